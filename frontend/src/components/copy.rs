//! Copies text to the clipboard, and says whether that worked.

use wasm_bindgen_futures::JsFuture;
use yew::prelude::*;

use super::{Icon, say::Say};

/// A button with these words that copies what `text` makes when it is pressed.
pub fn copy_button(say: &Say, words: &'static str, text: Callback<(), String>) -> Html {
    let say = say.clone();
    let onclick = Callback::from(move |_: MouseEvent| {
        let (text, say) = (text.emit(()), say.clone());
        wasm_bindgen_futures::spawn_local(async move {
            let written = JsFuture::from(crate::window().navigator().clipboard().write_text(&text)).await;
            say.say(if written.is_ok() { "Copied." } else { "The browser did not allow copying." });
        });
    });
    html! { <button type="button" class="button quiet tight" {onclick}>{ Icon::Copy.view() }{ words }</button> }
}
