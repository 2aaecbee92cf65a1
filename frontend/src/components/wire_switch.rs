//! The wire switch: Poll, Long poll, SSE, WebSocket or Auto, at any moment.
//!
//! A radio group: one stop for Tab, arrow keys move and choose. Keys 1–4 and A choose from anywhere on the page, except
//! while typing or with a modifier, and can be turned off.

use fourwire_shared::{
    Wire,
    session::{Preference, State},
};
use gloo::events::EventListener;
use wasm_bindgen::JsCast;
use yew::prelude::*;

use super::wire_mark;
use crate::{
    choice,
    live::{Live, use_live, use_session},
};

/// What the switch shows: the choice, and the wire that is being opened.
fn look(live: &Live) -> (Preference, Option<Wire>) {
    let driver = live.driver();
    let opening = match driver.state() {
        State::Switching { to, .. } => Some(to),
        _ => None,
    };
    (driver.preference(), opening)
}

/// The switch.
#[hook]
pub fn use_wire_switch() -> Html {
    let live = use_live();
    let seen = use_session(1_000, look);
    let (chosen, opening) = *seen;
    let group = use_node_ref();
    let choose = {
        let live = live.clone();
        Callback::from(move |preference: Preference| {
            choice::remember(preference);
            live.driver().prefer(preference);
        })
    };
    use_effect_with(choose.clone(), |choose| {
        let choose = choose.clone();
        let listener = EventListener::new(&crate::document(), "keydown", move |event| {
            let chosen = event.dyn_ref::<KeyboardEvent>().filter(|e| is_shortcut(e));
            if let Some(preference) = chosen.and_then(|event| choice::by_key(&event.key())) {
                choose.emit(preference);
            }
        });
        move || drop(listener)
    });
    let onkeydown = {
        let (choose, group) = (choose.clone(), group.clone());
        Callback::from(move |event: KeyboardEvent| {
            let step = match &*event.key() {
                "ArrowRight" | "ArrowDown" => 1,
                "ArrowLeft" | "ArrowUp" => -1,
                _ => return,
            };
            event.prevent_default();
            let next = choice::beside(chosen, step);
            choose.emit(next);
            focus(&group, next);
        })
    };
    let option = |option: Preference| {
        let onclick = choose.reform(move |_: MouseEvent| option);
        let is_chosen = option == chosen;
        let wire = match option {
            Preference::Fixed(wire) => Some(wire),
            Preference::Auto => None,
        };
        let moving = wire.is_some() && wire == opening;
        html! {
            <button key={choice::title(option)} type="button" role="radio" class="segment"
                aria-checked={is_chosen.to_string()} tabindex={if is_chosen { "0" } else { "-1" }}
                aria-keyshortcuts={choice::key(option)} data-wire-option={option.to_string()}
                data-moving={moving.then_some("")} title={format!("{} (key {})", choice::title(option), choice::key(option))}
                {onclick}>
                if let Some(wire) = wire { { wire_mark(wire) } }
                <span>{ choice::title(option) }</span>
            </button>
        }
    };
    html! {
        <div class="segments wire-switch" role="radiogroup" aria-label="Wire" ref={group} {onkeydown}>
            { for choice::OPTIONS.map(option) }
        </div>
    }
}

fn focus(group: &NodeRef, option: Preference) {
    let found = group
        .cast::<web_sys::Element>()
        .and_then(|group| group.query_selector(&format!("[data-wire-option=\"{option}\"]")).ok().flatten());
    if let Some(button) = found.and_then(|found| found.dyn_into::<web_sys::HtmlElement>().ok()) {
        let _ = button.focus();
    }
}

/// Whether a key press is meant for the page and not for a field, the browser or a tool.
fn is_shortcut(event: &KeyboardEvent) -> bool {
    let modified = event.ctrl_key() || event.alt_key() || event.meta_key() || event.shift_key();
    if modified
        || event.default_prevented()
        || event.repeat()
        || event.is_composing()
        || !choice::keys_enabled()
    {
        return false;
    }
    let typing = event
        .target()
        .and_then(|target| target.dyn_into::<web_sys::HtmlElement>().ok())
        .is_some_and(|element| {
            element.is_content_editable() || matches!(&*element.tag_name(), "INPUT" | "TEXTAREA" | "SELECT")
        });
    !typing
}
