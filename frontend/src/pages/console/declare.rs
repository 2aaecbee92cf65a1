//! Two dialogs: declare a topic, end a topic.

use fourwire_shared::Topic;
use yew::prelude::*;

use super::form::{self, Draft};
use crate::{
    api::{self, Failure},
    components::{Faults, fault, field, use_modal, use_say, value, whole_failure},
};

/// The properties of [`DeclareDialog`].
#[derive(Properties, PartialEq)]
pub(super) struct DeclareDialogProps {
    /// Called when it is over.
    pub(super) close: Callback<()>,
}

/// Asks for a topic's name and what it keeps.
#[component]
pub(super) fn DeclareDialog(props: &DeclareDialogProps) -> Html {
    let dialog = use_modal();
    let say = use_say();
    let draft = use_state_eq(Draft::default);
    let faults = use_state_eq(Faults::new);
    let failure = use_state_eq(|| None::<Failure>);
    let edit = |change: fn(&mut Draft, String)| {
        let draft = draft.clone();
        Callback::from(move |event: InputEvent| {
            let mut next = (*draft).clone();
            change(&mut next, value(&event));
            draft.set(next);
        })
    };
    let flip = |change: fn(&mut Draft)| {
        let draft = draft.clone();
        Callback::from(move |_: Event| {
            let mut next = (*draft).clone();
            change(&mut next);
            draft.set(next);
        })
    };
    let submit = {
        let (draft, faults, failure, close) =
            (draft.clone(), faults.clone(), failure.clone(), props.close.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let (topic, spec) = match form::declaration(&draft) {
                Ok(checked) => checked,
                Err(found) => return faults.set(found),
            };
            faults.set(Faults::new());
            let (failure, close, say) = (failure.clone(), close.clone(), say.clone());
            wasm_bindgen_futures::spawn_local(async move {
                match api::declare(&topic, &spec).await {
                    Ok(()) => {
                        say.say(format!("{topic} is declared."));
                        close.emit(());
                    }
                    Err(refusal) => failure.set(Some(refusal)),
                }
            });
        })
    };
    let at = |field: &str| fault(&faults, failure.as_ref(), field);
    let retain = [
        (
            "declare-events",
            "Events",
            "retain.events",
            draft.events.clone(),
            edit(|draft, text| draft.events = text),
        ),
        (
            "declare-bytes",
            "Bytes",
            "retain.bytes",
            draft.bytes.clone(),
            edit(|draft, text| draft.bytes = text),
        ),
        (
            "declare-seconds",
            "Seconds",
            "retain.seconds",
            draft.seconds.clone(),
            edit(|draft, text| draft.seconds = text),
        ),
    ];
    let oncancel = props.close.reform(|_: Event| ());
    html! {
        <dialog ref={dialog} aria-labelledby="declare-title" onclose={oncancel}>
            <form class="dialog" onsubmit={submit} novalidate=true data-testid="declare-form">
                <h2 id="declare-title">{ "Declare a topic" }</h2>
                { field("declare-topic", "Name", "For example room-7.chat", at("topic"), html! { <input id="declare-topic" class="input mono" value={draft.topic.clone()} autocomplete="off" spellcheck="false" autocapitalize="none"
                        aria-invalid={at("topic").is_some().to_string()} aria-describedby="declare-topic-fault" oninput={edit(|draft, text| draft.topic = text)} /> }) }
                <fieldset>
                    <legend class="label">{ "A reader that lags gets" }</legend>
                    <label class="check"><input type="radio" name="policy" checked={!draft.latest} onchange={flip(|draft| draft.latest = false)} />{ "every event" }</label>
                    <label class="check"><input type="radio" name="policy" checked={draft.latest} onchange={flip(|draft| draft.latest = true)} />{ "only the newest" }</label>
                </fieldset>
                <label class="check"><input type="checkbox" checked={draft.durable} onchange={flip(|draft| draft.durable = !draft.durable)} />{ "Keep its events on disk, over restarts" }</label>
                <fieldset>
                    <legend class="label">{ "Keep at most (empty: the default)" }</legend>
                    <div class="thirds">
                        { for retain.into_iter().map(|(id, label, name, text, oninput)| field(id, label, "", at(name), html! { <input {id} class="input" inputmode="numeric" value={text} aria-invalid={at(name).is_some().to_string()} {oninput} /> })) }
                    </div>
                </fieldset>
                if let Some(failure) = &*failure { { whole_failure(failure, &["topic", "retain.events", "retain.bytes", "retain.seconds"]) } }
                <div class="row">
                    <button type="submit" class="button primary">{ "Declare" }</button>
                    <button type="button" class="button" onclick={props.close.reform(|_: MouseEvent| ())}>{ "Cancel" }</button>
                </div>
            </form>
        </dialog>
    }
}

/// The properties of [`EndDialog`].
#[derive(Properties, PartialEq)]
pub(super) struct EndDialogProps {
    /// The topic to end.
    pub(super) topic: Topic,
    /// Called when it is over.
    pub(super) close: Callback<()>,
}

/// Asks whether a topic should really end.
#[component]
pub(super) fn EndDialog(props: &EndDialogProps) -> Html {
    let dialog = use_modal();
    let say = use_say();
    let failure = use_state_eq(|| None::<Failure>);
    let confirm = {
        let (topic, close, failure) = (props.topic.clone(), props.close.clone(), failure.clone());
        Callback::from(move |_: MouseEvent| {
            let (topic, close, failure, say) = (topic.clone(), close.clone(), failure.clone(), say.clone());
            wasm_bindgen_futures::spawn_local(async move {
                match api::end(&topic).await {
                    Ok(()) => {
                        say.say(format!("{topic} has ended."));
                        close.emit(());
                    }
                    Err(refusal) => failure.set(Some(refusal)),
                }
            });
        })
    };
    html! {
        <dialog ref={dialog} aria-labelledby="end-title" onclose={props.close.reform(|_: Event| ())}>
            <div class="dialog">
                <h2 id="end-title">{ "End this topic?" }</h2>
                <p><code>{ props.topic.as_str() }</code>{ " gets its last frame. Its readers are told, nobody can publish to it again, and the name never lives again." }</p>
                if let Some(failure) = &*failure { { whole_failure(failure, &[]) } }
                <div class="row">
                    // A dialog opens with the focus on its first button, which Enter presses: that one does no harm.
                    <button type="button" class="button" onclick={props.close.reform(|_: MouseEvent| ())}>{ "Keep it" }</button>
                    <button type="button" class="button danger" onclick={confirm}>{ "End it for ever" }</button>
                </div>
            </div>
        </dialog>
    }
}
