//! Joining: a name, and nothing else.

use yew::prelude::*;

use super::{Visitor, api};
use crate::{
    api::{Failure, new_key},
    components::{field, focus, use_modal, use_say, value, whole_failure},
};

/// The properties of [`JoinDialog`].
#[derive(PartialEq, Properties)]
pub struct JoinDialogProps {
    /// Who becomes somebody.
    pub visitor: Visitor,
    /// Called when it is over.
    pub close: Callback<()>,
}

/// Asks for a name. One intent has one key: a lost answer is told again, secret included.
#[component]
pub fn JoinDialog(props: &JoinDialogProps) -> Html {
    let dialog = use_modal();
    let say = use_say();
    let name = use_state_eq(String::new);
    let waiting = use_state_eq(|| false);
    let failure = use_state_eq(|| None::<Failure>);
    let intent = use_mut_ref(|| (String::new(), new_key()));
    use_effect_with((), |()| focus("join-name"));
    let oninput = {
        let (name, failure) = (name.clone(), failure.clone());
        Callback::from(move |event: InputEvent| {
            name.set(value(&event));
            failure.set(None);
        })
    };
    let submit = {
        let (visitor, close) = (props.visitor.clone(), props.close.clone());
        let (name, waiting, failure) = (name.clone(), waiting.clone(), failure.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            if *waiting {
                return;
            }
            let name = name.trim().to_owned();
            if intent.borrow().0 != name {
                *intent.borrow_mut() = (name.clone(), new_key());
            }
            let key = intent.borrow().1.clone();
            waiting.set(true);
            let (visitor, close, say) = (visitor.clone(), close.clone(), say.clone());
            let (waiting, failure) = (waiting.clone(), failure.clone());
            wasm_bindgen_futures::spawn_local(async move {
                match api::join(&name, &key).await {
                    Ok(bidder) => {
                        say.say(format!("You are {}. Your wallet is ready.", bidder.name));
                        visitor.become_someone.emit(Some(bidder.into()));
                        close.emit(());
                    }
                    Err(refusal) => {
                        waiting.set(false);
                        failure.set(Some(refusal));
                    }
                }
            });
        })
    };
    let wrong = (*failure).as_ref().filter(|failure| failure.field() == Some("name")).map(Failure::words);
    let invalid = wrong.is_some().to_string();
    html! {
        <dialog ref={dialog} aria-labelledby="join-title" onclose={props.close.reform(|_: Event| ())}>
            <form class="dialog" onsubmit={submit} novalidate=true data-testid="join-form">
                <h2 id="join-title">{ "Join" }</h2>
                { field("join-name", "Your name", "Others see it. The secret that proves that it is you stays in this browser.", wrong, html! {
                    <input id="join-name" class="input" value={(*name).clone()} maxlength="40" autocomplete="nickname" aria-invalid={invalid} aria-describedby="join-name-fault" {oninput} data-testid="join-name" />
                }) }
                if let Some(failure) = &*failure { { whole_failure(failure, &["name"]) } }
                <div class="row">
                    <button type="submit" class="button primary" aria-disabled={waiting.to_string()} data-testid="join-send">{ "Join" }</button>
                    <button type="button" class="button" onclick={props.close.reform(|_: MouseEvent| ())}>{ "Cancel" }</button>
                </div>
            </form>
        </dialog>
    }
}
