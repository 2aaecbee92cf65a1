//! A new job: its kind, its input by the kind's schema, and how it is to be treated.

use std::rc::Rc;

use fourwire_shared::job::{JOBS_PATH, KindInfo};
use serde_json::{Map, Value};
use yew::prelude::*;

use super::{
    file_field::FileField,
    schema::{Ask, Field, fields, input},
};
use crate::{
    api::{Failure, new_key},
    components::{copy_button, field, focus, use_modal, use_say, value, whole_failure},
    jobs::{api, keys},
    json::quoted,
    router::{Go, Route},
};

/// What may be said beside the input: name, label, hint, whether it is a number.
const OPTIONS: [(&str, &str, &str, bool); 5] = [
    ("queue", "Queue", "default", false),
    ("priority", "Priority, 0 to 9", "5", true),
    ("max_attempts", "Tries", "as the kind has it", true),
    ("timeout_s", "Seconds a try may take", "as the kind has it", true),
    ("unique_key", "Unique key", "none", false),
];

/// The properties of [`NewJob`].
#[derive(PartialEq, Properties)]
pub(super) struct NewJobProps {
    pub(super) kinds: Rc<Vec<KindInfo>>,
    /// The kind that is chosen at first.
    pub(super) kind: String,
    pub(super) close: Callback<()>,
    pub(super) go: Go,
}

/// What the form holds.
#[derive(Clone, Debug, Default, PartialEq)]
struct Draft {
    kind: String,
    fields: Vec<Field>,
    texts: Vec<String>,
    options: [String; OPTIONS.len()],
    /// What it is made private with.
    secret: Option<String>,
}

impl Draft {
    fn of(kinds: &[KindInfo], name: &str) -> Self {
        let fields = kinds.iter().find(|kind| kind.name == name).map(|kind| fields(&kind.schema));
        let fields = fields.unwrap_or_default();
        let texts = fields.iter().map(|field| field.first.clone()).collect();
        Self { kind: name.to_owned(), fields, texts, options: Default::default(), secret: None }
    }

    /// The request's body.
    ///
    /// # Errors
    /// The fields at fault, as the server names them.
    fn body(&self) -> Result<String, Vec<(String, String)>> {
        let below = |(name, what): (String, String)| (format!("input.{name}"), what);
        let mut faults = Vec::new();
        let input = input(&self.fields, &self.texts).unwrap_or_else(|wrong| {
            faults.extend(wrong.into_iter().map(below));
            Value::Null
        });
        let mut body =
            Map::from_iter([("kind".to_owned(), self.kind.clone().into()), ("input".to_owned(), input)]);
        for ((name, _, _, is_number), text) in OPTIONS.into_iter().zip(&self.options) {
            let text = text.trim();
            match (is_number, text.parse::<u64>()) {
                _ if text.is_empty() => {}
                (false, _) => drop(body.insert(name.to_owned(), text.into())),
                (true, Ok(number)) => drop(body.insert(name.to_owned(), number.into())),
                (true, Err(_)) => faults.push((name.to_owned(), "It must be a whole number.".to_owned())),
            }
        }
        if let Some(secret) = &self.secret {
            body.insert("secret".to_owned(), secret.clone().into());
        }
        if faults.is_empty() { Ok(Value::Object(body).to_string()) } else { Err(faults) }
    }
}

/// What is wrong, as far as is known.
#[derive(Clone, Default, PartialEq)]
struct Wrong {
    faults: Vec<(String, String)>,
    failure: Option<Failure>,
}

impl Wrong {
    fn at(&self, name: &str) -> Option<String> {
        let own = self.faults.iter().find(|(field, _)| field == name).map(|(_, what)| what.clone());
        own.or_else(|| self.failure.as_ref().filter(|f| f.field() == Some(name)).map(Failure::words))
    }
}

/// The dialog. One intent has one key, so that a repeat after a lost answer makes no second job.
#[component]
pub(super) fn NewJob(props: &NewJobProps) -> Html {
    let dialog = use_modal();
    let say = use_say();
    let draft = {
        let (kinds, kind) = (Rc::clone(&props.kinds), props.kind.clone());
        use_state_eq(move || Draft::of(&kinds, &kind))
    };
    let wrong = use_state_eq(Wrong::default);
    let waiting = use_state_eq(|| false);
    let intent = use_mut_ref(|| (String::new(), new_key()));
    let change = {
        let (draft, wrong) = (draft.clone(), wrong.clone());
        Callback::from(move |next: Draft| {
            wrong.set(Wrong::default());
            draft.set(next);
        })
    };
    let submit = {
        let (go, close) = (props.go.clone(), props.close.clone());
        let (draft, wrong, waiting) = (draft.clone(), wrong.clone(), waiting.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            if *waiting {
                return;
            }
            let body = match draft.body() {
                Ok(body) => body,
                Err(faults) => {
                    focus(&id(faults.first().map_or("", |(name, _)| name)));
                    return wrong.set(Wrong { faults, failure: None });
                }
            };
            if intent.borrow().0 != body {
                *intent.borrow_mut() = (body.clone(), new_key());
            }
            let key = intent.borrow().1.clone();
            waiting.set(true);
            let (go, close, wrong, waiting) = (go.clone(), close.clone(), wrong.setter(), waiting.setter());
            let secret = draft.secret.clone();
            wasm_bindgen_futures::spawn_local(async move {
                match api::submit(&body, &key).await {
                    Ok(job) => {
                        if let Some(secret) = secret {
                            keys::remember(job.id, &secret);
                        }
                        close.emit(());
                        go.emit(Route::Job(job.id));
                    }
                    Err(failure) => {
                        waiting.set(false);
                        focus(&id(failure.field().unwrap_or_default()));
                        wrong.set(Wrong { faults: Vec::new(), failure: Some(failure) });
                    }
                }
            });
        })
    };
    let command = {
        let draft = draft.clone();
        copy_button(&say, "Copy as curl", Callback::from(move |()| curl(&draft)))
    };
    let about = props.kinds.iter().find(|kind| kind.name == draft.kind).map(|kind| kind.about.clone());
    let names: Vec<String> = draft.fields.iter().map(|field| format!("input.{}", field.name)).collect();
    let known: Vec<&str> =
        names.iter().map(String::as_str).chain(OPTIONS.iter().map(|(name, ..)| *name)).collect();
    html! {
        <dialog class="new-job" ref={dialog} aria-labelledby="new-job-title" onclose={props.close.reform(|_: Event| ())}>
            <form class="dialog" onsubmit={submit} novalidate=true data-testid="job-form">
                <h2 id="new-job-title">{ "New job" }</h2>
                { kind_field(props, &draft, &change) }
                <p class="small muted">{ about }</p>
                <div class="new-job-fields">{ for (0..draft.fields.len()).map(|index| input_field(index, &draft, &change, &wrong)) }</div>
                <details>
                    <summary>{ "Queue, priority, tries" }</summary>
                    <div class="new-job-fields">{ for (0..OPTIONS.len()).map(|index| option_field(index, &draft, &change, &wrong)) }</div>
                </details>
                { private_field(&draft, &change) }
                if let Some(failure) = &wrong.failure { { whole_failure(failure, &known) } }
                <div class="between">
                    <div class="row">
                        <button type="submit" class="button primary" aria-disabled={waiting.to_string()} data-testid="job-send">{ "Submit" }</button>
                        <button type="button" class="button" onclick={props.close.reform(|_: MouseEvent| ())}>{ "Cancel" }</button>
                    </div>
                    { command }
                </div>
            </form>
        </dialog>
    }
}

/// Whether it is private. Its secret is made here.
fn private_field(draft: &Draft, change: &Callback<Draft>) -> Html {
    let onchange = {
        let (draft, change) = (draft.clone(), change.clone());
        Callback::from(move |_: Event| {
            let secret = if draft.secret.is_some() { None } else { Some(new_key()) };
            change.emit(Draft { secret, ..draft.clone() });
        })
    };
    html! {
        <div class="field">
            <label class="check"><input id="job-private" type="checkbox" checked={draft.secret.is_some()} {onchange} />{ "Private" }</label>
            <span class="hint">{ "Others see that it is there, and nothing else. You get a secret link to it." }</span>
        </div>
    }
}

/// The id of a field's input.
fn id(name: &str) -> String {
    format!("job-{}", name.replace('.', "-"))
}

fn curl(draft: &Draft) -> String {
    let origin = crate::window().location().origin().unwrap_or_default();
    let body = draft.body().unwrap_or_else(|_| "{}".to_owned());
    format!("curl -i '{origin}{JOBS_PATH}' -H 'content-type: application/json' -d {}", quoted(&body))
}

fn kind_field(props: &NewJobProps, draft: &Draft, change: &Callback<Draft>) -> Html {
    let onchange = {
        let (kinds, change) = (Rc::clone(&props.kinds), change.clone());
        // What is said beside the input stays: above all, that it is private.
        let (options, secret) = (draft.options.clone(), draft.secret.clone());
        Callback::from(move |event: Event| {
            let of = Draft::of(&kinds, &value(&event));
            change.emit(Draft { options: options.clone(), secret: secret.clone(), ..of });
        })
    };
    let option = |kind: &KindInfo| {
        html! { <option key={kind.name.clone()} value={kind.name.clone()} selected={kind.name == draft.kind}>{ &kind.name }</option> }
    };
    let input = html! { <select id="job-kind" class="input" {onchange}>{ for props.kinds.iter().map(option) }</select> };
    field("job-kind", "Kind", "", None, input)
}

fn option_field(index: usize, draft: &Draft, change: &Callback<Draft>, wrong: &Wrong) -> Html {
    let (name, label, placeholder, is_number) = OPTIONS[index];
    let (fault, id) = (wrong.at(name), id(name));
    let oninput = {
        let (draft, change) = (draft.clone(), change.clone());
        Callback::from(move |event: InputEvent| {
            let mut next = draft.clone();
            next.options[index] = value(&event);
            change.emit(next);
        })
    };
    let (invalid, described) = (fault.is_some().to_string(), format!("{id}-fault"));
    let inputmode = if is_number { "numeric" } else { "text" };
    let input = html! {
        <input id={id.clone()} class="input" {inputmode} {placeholder} autocomplete="off" value={draft.options[index].clone()} aria-invalid={invalid} aria-describedby={described} {oninput} />
    };
    field(&id, label, "", fault, input)
}

fn input_field(index: usize, draft: &Draft, change: &Callback<Draft>, wrong: &Wrong) -> Html {
    let (asked, text) = (&draft.fields[index], &draft.texts[index]);
    let name = format!("input.{}", asked.name);
    let (fault, id) = (wrong.at(&name), id(&name));
    let set = {
        let (draft, change) = (draft.clone(), change.clone());
        Callback::from(move |text: String| {
            let mut next = draft.clone();
            next.texts[index] = text;
            change.emit(next);
        })
    };
    let label = label(asked);
    match &asked.ask {
        Ask::Flag => {
            let is_on = text == "true";
            let onchange = set.reform(move |_: Event| (!is_on).to_string());
            html! { <label class="check" key={id.clone()}><input {id} type="checkbox" checked={is_on} {onchange} />{ label }</label> }
        }
        Ask::Many(words) => many(&id, &label, words, text, fault, &set),
        _ => {
            let (invalid, described) = (fault.is_some().to_string(), format!("{id}-fault"));
            field(&id, &label, &asked.about, fault, control(&id, asked, text, invalid, described, &set))
        }
    }
}

/// A field's name as a label: `max_rows` is `Max rows`.
fn label(field: &Field) -> String {
    let words = field.name.replace('_', " ");
    let mut letters = words.chars();
    let label: String = letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
    let has_value = field.required || !field.first.is_empty();
    if has_value || field.ask == Ask::Flag { label } else { format!("{label} (optional)") }
}

fn control(
    id: &str,
    asked: &Field,
    text: &str,
    invalid: String,
    described: String,
    set: &Callback<String>,
) -> Html {
    let id = id.to_owned();
    let oninput = set.reform(|event: InputEvent| value(&event));
    match &asked.ask {
        Ask::One(words) => {
            let option = |word: &String| html! { <option key={word.clone()} value={word.clone()} selected={word == text}>{ word }</option> };
            let onchange = set.reform(|event: Event| value(&event));
            html! {
                <select {id} class="input" aria-invalid={invalid} aria-describedby={described} {onchange}>
                    if asked.first.is_empty() { <option value="" selected={text.is_empty()}>{ "–" }</option> }
                    { for words.iter().map(option) }
                </select>
            }
        }
        Ask::File => html! { <FileField {id} {invalid} {described} set={set.clone()} /> },
        Ask::Json | Ask::Lines => html! {
            <textarea {id} class="input" rows="4" spellcheck="false" value={text.to_owned()} aria-invalid={invalid} aria-describedby={described} {oninput} />
        },
        one => {
            let inputmode = if *one == Ask::Number { "numeric" } else { "text" };
            html! { <input {id} class="input" {inputmode} autocomplete="off" value={text.to_owned()} aria-invalid={invalid} aria-describedby={described} {oninput} /> }
        }
    }
}

/// Some of a few words.
fn many(
    id: &str,
    label: &str,
    words: &[String],
    text: &str,
    fault: Option<String>,
    set: &Callback<String>,
) -> Html {
    let held: Vec<&str> = text.split(',').filter(|word| !word.is_empty()).collect();
    let check = |word: &String| {
        let checked = held.contains(&word.as_str());
        let next: Vec<&str> = words
            .iter()
            .map(String::as_str)
            .filter(|other| if *other == word { !checked } else { held.contains(other) })
            .collect();
        let next = next.join(",");
        let onchange = set.reform(move |_: Event| next.clone());
        html! { <label class="check" key={word.clone()}><input type="checkbox" {checked} {onchange} />{ word }</label> }
    };
    html! {
        <fieldset class="row" key={id.to_owned()} id={id.to_owned()} tabindex="-1">
            <legend class="label">{ label }</legend>
            { for words.iter().map(check) }
            if let Some(fault) = fault { <span class="field-error" data-testid="problem">{ fault }</span> }
        </fieldset>
    }
}
