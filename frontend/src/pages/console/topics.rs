//! The list of topics: searched, refreshed every few seconds, with a switch to follow each.

use std::rc::Rc;

use fourwire_shared::{
    Description, Policy, Topic,
    command::{Subscribers, TopicList},
};
use gloo::timers::callback::{Interval, Timeout};
use yew::prelude::*;

use super::declare::{DeclareDialog, EndDialog};
use crate::{
    api::{self, Failure},
    charts::units,
    components::{Icon, value, whole_failure},
};

/// How often the list is read anew, in ms.
const EVERY_MS: u32 = 3_000;
/// How long typing may pause before the search is sent, in ms.
const TYPING_MS: u32 = 200;

/// The properties of [`Topics`].
#[derive(Properties, PartialEq)]
pub(super) struct TopicsProps {
    /// The topics that are followed.
    pub(super) followed: Vec<Topic>,
    /// Follows a topic, or stops.
    pub(super) follow: Callback<(Topic, bool)>,
}

/// The list as it was last read.
#[derive(Clone)]
enum Known {
    Nothing,
    List(Rc<TopicList>),
    Failed(Failure),
}

/// Which dialog is open.
#[derive(Clone, PartialEq)]
enum Asking {
    Nothing,
    Declare,
    End(Topic),
}

/// The list.
#[component]
pub(super) fn Topics(props: &TopicsProps) -> Html {
    let known = use_state(|| Known::Nothing);
    let prefix = use_state_eq(String::new);
    let asking = use_state_eq(|| Asking::Nothing);
    let typing = use_mut_ref(|| None::<Timeout>);
    let version = use_state_eq(|| 0u32);
    {
        let setter = known.setter();
        use_effect_with(((*prefix).clone(), *version), move |(prefix, _)| {
            let prefix = prefix.clone();
            let current = Rc::new(std::cell::Cell::new(true));
            let load = {
                let current = Rc::clone(&current);
                move || {
                    if crate::document().hidden() {
                        return;
                    }
                    let (prefix, setter, current) = (prefix.clone(), setter.clone(), Rc::clone(&current));
                    wasm_bindgen_futures::spawn_local(async move {
                        let answer = api::topics(&prefix).await;
                        if current.get() {
                            setter.set(match answer {
                                Ok(list) => Known::List(Rc::new(list)),
                                Err(failure) => Known::Failed(failure),
                            });
                        }
                    });
                }
            };
            load();
            let again = Interval::new(EVERY_MS, load);
            move || {
                current.set(false); // an answer that is still on its way finds nobody
                drop(again);
            }
        });
    }
    let onsearch = {
        let prefix = prefix.clone();
        Callback::from(move |event: InputEvent| {
            let text = value(&event);
            let prefix = prefix.clone();
            *typing.borrow_mut() = Some(Timeout::new(TYPING_MS, move || prefix.set(text.trim().to_owned())));
        })
    };
    let ask = |what: Asking| {
        let asking = asking.clone();
        Callback::from(move |_: MouseEvent| asking.set(what.clone()))
    };
    let close = {
        let (asking, version) = (asking.clone(), version.clone());
        Callback::from(move |()| {
            asking.set(Asking::Nothing);
            version.set(*version + 1);
        })
    };
    html! {
        <section class="card" aria-labelledby="topics-title">
            <div class="card-head">
                <h2 id="topics-title">{ "Topics" }</h2>
                <div class="row">
                    <label class="visually-hidden" for="topic-search">{ "Topics that begin with" }</label>
                    <input id="topic-search" class="input search" type="search" placeholder="Begins with…" autocomplete="off"
                        spellcheck="false" oninput={onsearch} />
                    <button type="button" class="button" onclick={ask(Asking::Declare)}>{ "Declare a topic" }</button>
                </div>
            </div>
            { list(&known, props, &ask) }
            if *asking == Asking::Declare { <DeclareDialog close={close.clone()} /> }
            if let Asking::End(topic) = &*asking { <EndDialog topic={topic.clone()} {close} /> }
        </section>
    }
}

fn list(known: &Known, props: &TopicsProps, ask: &impl Fn(Asking) -> Callback<MouseEvent>) -> Html {
    let list = match known {
        Known::Nothing => return html! { <div class="skeleton topics-skeleton" aria-hidden="true"></div> },
        Known::Failed(failure) => {
            return html! { <div class="card-body">{ whole_failure(failure, &[]) }</div> };
        }
        Known::List(list) if list.topics.is_empty() => {
            return html! {
                <div class="empty" data-testid="topics">
                    <strong>{ "No topic begins like that" }</strong>
                    <span>{ "Publishing to a new name declares it." }</span>
                </div>
            };
        }
        Known::List(list) => list,
    };
    html! {
        <>
            <div class="scroll topics-scroll" tabindex="0" role="region" aria-label="Topics, with their state">
                <table class="topics" data-testid="topics">
                    <thead><tr>
                        <th scope="col">{ "Topic" }</th>
                        <th scope="col">{ "Keeps" }</th>
                        <th scope="col" class="num" title="The number of its newest event">{ "Head" }</th>
                        <th scope="col" class="num" title="Cursors below this number get a reset">{ "Floor" }</th>
                        <th scope="col" class="num">{ "Events" }</th>
                        <th scope="col" class="num" title="Events per second over the last ten seconds">{ "Rate" }</th>
                        <th scope="col" class="num" title="Poll, long poll, SSE, WebSocket">{ "Readers" }</th>
                        <th scope="col"><span class="visually-hidden">{ "Actions" }</span></th>
                    </tr></thead>
                    <tbody>{ for list.topics.iter().map(|topic| row(topic, props, ask)) }</tbody>
                </table>
            </div>
            if list.next.is_some() {
                <p class="hint card-body">{ "There are more topics than fit here: search for the one you want." }</p>
            }
        </>
    }
}

fn row(about: &Description, props: &TopicsProps, ask: &impl Fn(Asking) -> Callback<MouseEvent>) -> Html {
    let topic = &about.topic;
    let on = props.followed.contains(topic);
    let onclick = {
        let (follow, topic) = (props.follow.clone(), topic.clone());
        Callback::from(move |_: MouseEvent| follow.emit((topic.clone(), !on)))
    };
    let Subscribers { poll, long_poll, sse, ws } = about.subscribers;
    let readers = poll + long_poll + sse + ws;
    let by_wire = format!("{poll} poll, {long_poll} long poll, {sse} SSE, {ws} WebSocket");
    html! {
        <tr key={topic.as_str()} data-testid="topic-row" data-topic={topic.to_string()} class={classes!(on.then_some("on"))}>
            <th scope="row" class="mono">{ topic.as_str() }</th>
            <td>
                <span class="row tags">
                    <span class="tag" title={keeps(about)}>{ if about.policy == Policy::Latest { "latest" } else { "log" } }</span>
                    if about.durable { <span class="tag" title="Its events survive a restart">{ "durable" }</span> }
                    if about.ended { <span class="tag bad">{ "ended" }</span> }
                    if topic.is_reserved() { <span class="tag" title="Written by the server alone">{ "server" }</span> }
                </span>
            </td>
            <td class="num">{ count(about.head.get()) }</td>
            <td class="num">{ count(about.floor.get()) }</td>
            <td class="num" title={units::bytes(about.bytes as f64)}>{ count(about.events) }</td>
            <td class="num">{ format!("{}/s", units::digits((about.rate * 10.0).round() / 10.0)) }</td>
            <td class="num" title={by_wire}>{ count(readers) }</td>
            <td>
                <span class="row actions">
                    <button type="button" class="button tight" aria-pressed={on.to_string()} data-testid="follow" {onclick}
                        aria-label={format!("{} {topic}", if on { "Stop following" } else { "Follow" })}>
                        if on { { Icon::Check.view() }{ "Following" } } else { { "Follow" } }
                    </button>
                    if !topic.is_reserved() && !about.ended {
                        <button type="button" class="button quiet tight" onclick={ask(Asking::End(topic.clone()))}
                            aria-label={format!("End {topic}…")}>{ "End…" }</button>
                    }
                </span>
            </td>
        </tr>
    }
}

fn keeps(about: &Description) -> String {
    let retain = about.retain;
    format!(
        "Keeps {} events, {} or {}, whichever is less",
        count(retain.events),
        units::bytes(retain.bytes as f64),
        units::millis(retain.seconds as f64 * 1_000.0)
    )
}

fn count(value: u64) -> String {
    units::count(i64::try_from(value).unwrap_or(i64::MAX))
}
