//! The state of the page's connection: in words in the header, and as a thin bar when it is lost.

use fourwire_shared::{
    Wire,
    session::{Millis, Preference, State},
};
use yew::prelude::*;

use super::{Icon, wire_mark};
use crate::live::{Live, use_live, use_session};

/// After this long without a connection the page says so aloud.
const ALARM_MS: Millis = 5_000;
/// A loss shorter than this shows in the header only, so that a quick recovery does not flicker.
const BAR_MS: Millis = 1_500;

/// What the header shows of a state.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Shown {
    /// The value of `data-state`.
    name: &'static str,
    /// In words.
    words: String,
    /// One short line more.
    more: String,
    /// The whole reason.
    why: String,
    /// The wire in use.
    wire: Wire,
}

/// The stable name of a state, for style sheets and tests.
fn name(state: &State) -> &'static str {
    match state {
        State::Idle => "idle",
        State::Connecting { .. } => "connecting",
        State::CatchingUp { .. } => "catching-up",
        State::Live { .. } => "live",
        State::Switching { .. } => "switching",
        State::Reconnecting { .. } => "reconnecting",
        State::Offline { .. } => "offline",
        State::Paused => "paused",
        State::Ended => "ended",
        State::Failed { .. } => "failed",
    }
}

/// What to show of a state at `now`. `why_wire` is the reason for the wire; too long for the header.
fn show(state: &State, wire: Wire, preference: Preference, why_wire: &str, now: Millis) -> Shown {
    let by = if preference == Preference::Auto { "Auto" } else { "Chosen by hand" };
    let more = match state {
        State::Live { .. } => by.to_owned(),
        State::CatchingUp { .. } | State::Connecting { .. } => format!("{} · {by}", wire.title()),
        State::Switching { from, .. } => format!("{} delivers meanwhile", from.title()),
        State::Reconnecting { cause, .. } => cause.to_string(),
        State::Offline { .. } => "no network, says the system".to_owned(),
        State::Paused => "resumes when you look".to_owned(),
        State::Idle | State::Ended | State::Failed { .. } => String::new(),
    };
    let words = match state {
        State::Failed { .. } => "Refused".to_owned(),
        State::Live { .. } => format!("Live on {}", wire.title()),
        state => state.words(now),
    };
    let why = if more.ends_with(by) { why_wire.to_owned() } else { more.clone() };
    Shown { name: name(state), words, more, why, wire }
}

fn look(live: &Live) -> Shown {
    let driver = live.driver();
    driver.with(|session| {
        show(&session.state(), session.wire(), session.preference(), &session.why_auto(), driver.now())
    })
}

/// The state in words.
#[hook]
pub fn use_connection() -> Html {
    let shown = use_session(500, look);
    html! {
        <div class="state" data-testid="connection" data-state={shown.name} data-wire={shown.wire.as_str()}
            title={shown.why.clone()}>
            <span class="state-dot" aria-hidden="true"></span>
            <span>
                <span class="state-word">{ &shown.words }</span>
                <span class="state-more">
                    if shown.name == "live" { { wire_mark(shown.wire) } }
                    <span>{ &shown.more }</span>
                </span>
            </span>
        </div>
    }
}

/// What the bar shows: nothing while all is well.
#[derive(Clone, PartialEq)]
struct Trouble {
    words: String,
    why: String,
    can_retry: bool,
    now: Millis,
}

fn trouble(live: &Live) -> Option<Trouble> {
    let driver = live.driver();
    let now = driver.now();
    let state = driver.state();
    let (why, can_retry) = match &state {
        State::Reconnecting { cause, attempt, .. } => (format!("{cause}; try {}", attempt + 1), true),
        State::Offline { .. } => ("What you see is the last that arrived".to_owned(), true),
        State::Failed { cause } => (cause.to_string(), true),
        _ => return None,
    };
    let words =
        if matches!(state, State::Failed { .. }) { "The server refuses".into() } else { state.words(now) };
    Some(Trouble { words, why, can_retry, now })
}

/// The bar below the header, while the connection is lost.
#[hook]
pub fn use_trouble_bar() -> Html {
    let live = use_live();
    let trouble = use_session(500, trouble);
    let since = use_mut_ref(|| None::<Millis>);
    let Some(trouble) = &*trouble else {
        since.borrow_mut().take();
        return html! { <div role="alert"></div> };
    };
    let lost_ms = trouble.now.saturating_sub(*since.borrow_mut().get_or_insert(trouble.now));
    let retry = Callback::from(move |_: MouseEvent| live.driver().retry_now());
    html! {
        <>
            <div role="alert" class="visually-hidden">
                if lost_ms >= ALARM_MS { { "The connection to the server is lost. The page goes on trying." } }
            </div>
            if lost_ms >= BAR_MS {
                <div class="banner" data-testid="trouble">
                    { Icon::Warning.view() }
                    <strong>{ &trouble.words }</strong>
                    <span>{ &trouble.why }</span>
                    if trouble.can_retry {
                        <button type="button" class="button tight" onclick={retry}>{ "Retry now" }</button>
                    }
                </div>
            }
        </>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fourwire_shared::session::Cause;

    #[test]
    fn a_state_is_shown_in_words_with_its_reason() {
        let sse = Preference::Fixed(Wire::Sse);
        let shown = |state: State, preference, why| show(&state, Wire::Sse, preference, why, 1_000);
        let live = shown(State::Live { wire: Wire::Sse }, sse, "");
        assert_eq!((live.name, &*live.words, &*live.more), ("live", "Live on SSE", "Chosen by hand"));
        let cut = "SSE: WebSocket was cut 3 times";
        let auto = shown(State::Live { wire: Wire::Sse }, Preference::Auto, cut);
        assert_eq!((&*auto.words, &*auto.more, &*auto.why), ("Live on SSE", "Auto", cut));
        let lost = State::Reconnecting { at: 4_000, attempt: 2, cause: Cause::Network };
        let lost = shown(lost, sse, "");
        assert_eq!((lost.name, &*lost.words), ("reconnecting", "Reconnecting in 3 s"));
        assert_eq!((&lost.more, &lost.why), (&Cause::Network.to_string(), &lost.more));
    }
}
