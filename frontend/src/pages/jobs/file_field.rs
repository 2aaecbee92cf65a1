//! A field for a file: chosen or dropped, sent at once, and known by the name that the server gives it.

use fourwire_shared::{figures::bytes, job::Upload};
use web_sys::{DragEvent, File, HtmlInputElement};
use yew::prelude::*;

use crate::{
    api::Failure,
    components::Icon,
    jobs::upload::{Sending, send},
};

/// The properties of [`FileField`].
#[derive(PartialEq, Properties)]
pub(super) struct FileFieldProps {
    pub(super) id: String,
    pub(super) invalid: String,
    pub(super) described: String,
    /// Gets the upload's name, or nothing while there is none.
    pub(super) set: Callback<String>,
}

/// How far a file is.
#[derive(Clone, Default, PartialEq)]
enum Stage {
    #[default]
    None,
    /// Its name, bytes that have gone out, bytes in all.
    Going(String, u64, u64),
    Sent(Upload),
    Failed(Failure),
}

/// The field. Another file takes the place of the one before.
#[component]
pub(super) fn FileField(props: &FileFieldProps) -> Html {
    let stage = use_state_eq(Stage::default);
    let over = use_state_eq(|| false);
    let sending = use_mut_ref(|| None::<Sending>);
    // The form goes on while a file is on its way: what is set then is set in the form as it is by then.
    let newest = use_mut_ref(|| props.set.clone());
    newest.borrow_mut().clone_from(&props.set);
    let take = {
        let (stage, sending) = (stage.setter(), sending);
        let set = Callback::from(move |name: String| {
            let set = newest.borrow().clone();
            set.emit(name);
        });
        Callback::from(move |file: File| {
            let (name, all) = (file.name(), file.size() as u64);
            set.emit(String::new());
            stage.set(Stage::Going(name.clone(), 0, all));
            let told = {
                let stage = stage.clone();
                Callback::from(move |gone: u64| stage.set(Stage::Going(name.clone(), gone.min(all), all)))
            };
            let ended = {
                let (stage, set) = (stage.clone(), set.clone());
                Callback::from(move |ended: Result<Upload, Failure>| match ended {
                    Ok(upload) => {
                        set.emit(upload.id.to_string());
                        stage.set(Stage::Sent(upload));
                    }
                    Err(failure) => stage.set(Stage::Failed(failure)),
                })
            };
            *sending.borrow_mut() = send(&file, told, ended);
        })
    };
    let onchange = {
        let take = take.clone();
        Callback::from(move |event: Event| {
            let input = event.target_dyn_into::<HtmlInputElement>();
            let file = input.and_then(|input| input.files()).and_then(|files| files.get(0));
            file.into_iter().for_each(|file| take.emit(file));
        })
    };
    let drag = |on: bool| {
        let over = over.setter();
        Callback::from(move |event: DragEvent| {
            event.prevent_default();
            over.set(on);
        })
    };
    let ondrop = {
        let over = over.setter();
        Callback::from(move |event: DragEvent| {
            event.prevent_default();
            over.set(false);
            let file = event.data_transfer().and_then(|data| data.files()).and_then(|files| files.get(0));
            file.into_iter().for_each(|file| take.emit(file));
        })
    };
    let state = match &*stage {
        Stage::None => "none",
        Stage::Going(..) => "going",
        Stage::Sent(_) => "sent",
        Stage::Failed(_) => "failed",
    };
    html! {
        <div class="drop" data-over={over.to_string()} data-testid="file-field" data-state={state} ondragenter={drag(true)} ondragover={drag(true)} ondragleave={drag(false)} {ondrop}>
            <input id={props.id.clone()} type="file" aria-invalid={props.invalid.clone()} aria-describedby={props.described.clone()} {onchange} />
            { told(&stage) }
        </div>
    }
}

fn told(stage: &Stage) -> Html {
    match stage {
        Stage::None => {
            html! { <span class="hint">{ "Choose a file, or drop it here. It is sent at once." }</span> }
        }
        Stage::Going(name, gone, all) => html! {
            <>
                <progress class="job-bar" max={(*all).max(1).to_string()} value={gone.to_string()} aria-label={format!("Sending {name}")} />
                <span class="hint">{ format!("{} of {} sent", bytes(*gone as f64), bytes(*all as f64)) }</span>
            </>
        },
        Stage::Sent(upload) => html! {
            <span class="done">{ Icon::Check.view() }{ format!("{}: {} are on the server", upload.name, bytes(upload.bytes as f64)) }</span>
        },
        Stage::Failed(failure) => html! { <span class="field-error" role="alert">{ failure.words() }</span> },
    }
}
