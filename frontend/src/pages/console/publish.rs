//! Publishes to a topic. Checked before it is sent; the server's refusal stands beside the field that it means.
//!
//! Each intent has one idempotency key: it stays while the same text is tried again, and changes with the text or after
//! a success. So a second click, or a retry after a lost answer, never publishes twice.

use fourwire_shared::{Published, Topic};
use yew::prelude::*;

use super::{
    form::{self, Letter},
    snippet,
};
use crate::{
    api::{self, Failure},
    components::{Faults, Icon, copy_button, fault, field, focus, use_say, value, whole_failure},
};

/// The properties of [`PublishForm`].
#[derive(Properties, PartialEq)]
pub(super) struct PublishFormProps {
    /// A topic to begin with.
    pub(super) suggestion: Option<Topic>,
}

/// Sent, decided and failed are three visible states.
#[derive(Clone, PartialEq)]
enum Stage {
    Writing,
    Sent,
    Done(Published),
    Failed(Failure),
}

/// The form.
#[component]
pub(super) fn PublishForm(props: &PublishFormProps) -> Html {
    let say = use_say();
    let topic = use_state_eq(|| None::<String>);
    let json = use_state_eq(|| "{\n  \"hello\": \"world\"\n}".to_owned());
    let stage = use_state_eq(|| Stage::Writing);
    let faults = use_state_eq(Faults::new);
    let intent = use_mut_ref(|| None::<(Letter, String)>);
    let name = (*topic)
        .clone()
        .or_else(|| props.suggestion.as_ref().map(Topic::to_string))
        .unwrap_or_else(|| "demo.greetings".to_owned());

    let submit = {
        let (name, json, stage, faults) = (name.clone(), json.clone(), stage.clone(), faults.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            if *stage == Stage::Sent {
                return;
            }
            let letter = match form::letter(&name, &json) {
                Ok(letter) => letter,
                Err(found) => {
                    focus(&format!("publish-{}", found.first().map_or("", |(field, _)| field)));
                    faults.set(found);
                    return stage.set(Stage::Writing);
                }
            };
            faults.set(Faults::new());
            stage.set(Stage::Sent);
            let key = match &*intent.borrow() {
                Some((same, key)) if *same == letter => key.clone(),
                _ => api::new_key(),
            };
            *intent.borrow_mut() = Some((letter.clone(), key.clone()));
            let (stage, intent) = (stage.clone(), intent.clone());
            wasm_bindgen_futures::spawn_local(async move {
                match api::publish(&letter.topic, &letter.json, &key).await {
                    Ok(published) => {
                        intent.borrow_mut().take();
                        stage.set(Stage::Done(published));
                    }
                    Err(failure) => stage.set(Stage::Failed(failure)),
                }
            });
        })
    };
    let typed = |setter: Callback<String>| {
        let (stage, faults) = (stage.clone(), faults.clone());
        Callback::from(move |event: InputEvent| {
            setter.emit(value(&event));
            faults.set(Faults::new());
            stage.set(Stage::Writing);
        })
    };
    let set_topic = {
        let topic = topic.clone();
        Callback::from(move |text| topic.set(Some(text)))
    };
    let set_json = {
        let json = json.clone();
        Callback::from(move |text| json.set(text))
    };
    let failure = match &*stage {
        Stage::Failed(failure) => Some(failure),
        _ => None,
    };
    let (topic_fault, data_fault) = (fault(&faults, failure, "topic"), fault(&faults, failure, "data"));
    let origin = crate::window().location().origin().unwrap_or_default();
    let command = snippet::publish(&origin, name.trim(), &json);
    html! {
        <section class="card" aria-labelledby="publish-title">
            <div class="card-head"><h2 id="publish-title">{ "Publish" }</h2></div>
            <form class="card-body form" onsubmit={submit} novalidate=true data-testid="publish-form">
                { field("publish-topic", "Topic", "Tokens of a–z, 0–9, _ and -, separated by dots.", topic_fault.clone(), html! { <input id="publish-topic" class="input mono" value={name} autocomplete="off" spellcheck="false" autocapitalize="none"
                        aria-invalid={topic_fault.is_some().to_string()} aria-describedby="publish-topic-fault" oninput={typed(set_topic)} /> }) }
                { field("publish-data", "JSON", "", data_fault.clone(), html! { <textarea id="publish-data" class="input" rows="7" spellcheck="false" value={(*json).clone()}
                        aria-invalid={data_fault.is_some().to_string()} aria-describedby="publish-data-fault" oninput={typed(set_json)} /> }) }
                if let Some(failure) = failure { { whole_failure(failure, &["topic", "data"]) } }
                <div class="row">
                    <button type="submit" class="button primary" aria-disabled={(*stage == Stage::Sent).to_string()}>
                        { if *stage == Stage::Sent { "Publishing…" } else { "Publish" } }
                    </button>
                    { copy_button(&say, "Copy as curl", Callback::from(move |()| command.clone())) }
                </div>
                <div role="status">
                    if let Stage::Done(published) = &*stage {
                        <p class="done" data-testid="published">{ Icon::Check.view() }
                            <span>{ format!("Event {} is in the log. Cursor ", published.seq) }<code>{ published.cursor.to_string() }</code></span>
                        </p>
                    }
                </div>
            </form>
        </section>
    }
}
