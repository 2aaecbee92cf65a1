//! Copies text to the clipboard, and says whether that worked.

use wasm_bindgen_futures::JsFuture;
use yew::prelude::*;

use super::{Icon, say::use_say};

/// The properties of [`CopyButton`].
#[derive(Properties, PartialEq)]
pub struct CopyButtonProps {
    /// The words on the button.
    pub words: AttrValue,
    /// Makes the text when the button is pressed.
    pub text: Callback<(), String>,
}

/// The button.
#[component]
pub fn CopyButton(props: &CopyButtonProps) -> Html {
    let say = use_say();
    let onclick = {
        let text = props.text.clone();
        Callback::from(move |_: MouseEvent| {
            let (text, say) = (text.emit(()), say.clone());
            wasm_bindgen_futures::spawn_local(async move {
                let written = JsFuture::from(crate::window().navigator().clipboard().write_text(&text)).await;
                say.say(if written.is_ok() { "Copied." } else { "The browser did not allow copying." });
            });
        })
    };
    html! {
        <button type="button" class="button quiet tight" {onclick}>{ Icon::Copy.view() }{ &props.words }</button>
    }
}
