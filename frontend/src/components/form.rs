//! Forms: a field with its label and what is wrong with it, found here or told by the server.

use wasm_bindgen::JsCast;
use web_sys::{HtmlDialogElement, HtmlElement, HtmlInputElement, HtmlSelectElement, HtmlTextAreaElement};
use yew::prelude::*;

use super::Icon;
use crate::api::Failure;

/// What is wrong with a form, field by field. The names are the server's.
pub type Faults = Vec<(&'static str, String)>;

/// A field with its label, and what is wrong with it or else a hint. Its input has the id `id`, and is described by
/// `{id}-fault`.
pub fn field(id: &str, label: &str, hint: &str, fault: Option<String>, input: Html) -> Html {
    html! {
        <div class="field" key={id}>
            <label for={id.to_owned()}>{ label }</label>
            { input }
            if let Some(fault) = fault {
                <span class="field-error" id={format!("{id}-fault")} data-testid="problem">{ fault }</span>
            } else if !hint.is_empty() {
                <span class="hint">{ hint }</span>
            }
        </div>
    }
}

/// What is wrong with `field`: found here, or told by the server.
pub fn fault(faults: &Faults, failure: Option<&Failure>, field: &str) -> Option<String> {
    let own = faults.iter().find(|(name, _)| *name == field).map(|(_, text)| text.clone());
    own.or_else(|| failure.filter(|failure| failure.field() == Some(field)).map(Failure::words))
}

/// A failure that belongs to none of `fields`.
pub fn whole_failure(failure: &Failure, fields: &[&str]) -> Html {
    if failure.field().is_some_and(|field| fields.contains(&field)) {
        return html! {};
    }
    let (title, detail) = match failure {
        Failure::Refused(problem) => (problem.title.clone(), problem.to_string()),
        Failure::Lost(words) => {
            (words.clone(), "Try again: a repeat of the same request has no second effect.".to_owned())
        }
    };
    html! {
        <div class="problem" role="alert" data-testid="problem">
            <strong class="row">{ Icon::Warning.view() }{ title }</strong>
            <span>{ detail }</span>
        </div>
    }
}

/// What an input holds now. A select is asked at its `change`: not everything that sets one says `input` as well, or says
/// it when it holds the new value.
pub fn value(event: &Event) -> String {
    let Some(target) = event.target() else { return String::new() };
    if let Some(input) = target.dyn_ref::<HtmlInputElement>() {
        input.value()
    } else if let Some(area) = target.dyn_ref::<HtmlTextAreaElement>() {
        area.value()
    } else {
        target.dyn_ref::<HtmlSelectElement>().map(HtmlSelectElement::value).unwrap_or_default()
    }
}

/// Moves to the element with an id, such as the field that is at fault.
pub fn focus(id: &str) {
    let found = crate::document().get_element_by_id(id);
    if let Some(element) = found.and_then(|found| found.dyn_into::<HtmlElement>().ok()) {
        let _ = element.focus();
    }
}

/// Opens a dialog as modal once it is there; the browser keeps the focus inside, and gives it back.
#[hook]
pub fn use_modal() -> NodeRef {
    let dialog = use_node_ref();
    {
        let dialog = dialog.clone();
        use_effect_with((), move |()| {
            if let Some(dialog) = dialog.cast::<HtmlDialogElement>() {
                let _ = dialog.show_modal();
            }
        });
    }
    dialog
}
