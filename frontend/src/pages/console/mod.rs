//! Console: every topic of the log; read any, publish, declare, end.
//!
//! The topics that are followed here ride on the page's one session, and are kept in the address.

mod declare;
mod form;
mod frames;
mod frames_view;
mod publish;
mod snippet;
mod topics;

use std::rc::Rc;

use fourwire_shared::{
    Topic,
    dashboard::{SERVER_TOPIC, ServerSample},
    from_object,
    session::Applied,
};
use yew::prelude::*;

use self::{frames_view::FramesView, publish::PublishForm, topics::Topics};
use crate::{
    address,
    charts::units,
    live::{Folder, use_topics},
    wire::Arrival,
};

/// The parameter of the address that holds the followed topics.
const PARAMETER: &str = "topics";
/// The most topics to follow here: a subscription has 64, and the page needs one for itself.
const TOPICS_MAX: usize = 63;

fn from_address() -> Vec<Topic> {
    let names = address::parameter(PARAMETER).unwrap_or_default();
    let mut topics: Vec<Topic> = names.split(',').filter_map(|name| name.parse().ok()).collect();
    topics.sort_unstable();
    topics.dedup();
    topics.truncate(TOPICS_MAX);
    topics
}

/// The server's newest sample of itself.
#[hook]
fn use_pulse() -> Option<ServerSample> {
    let newest = use_mut_ref(|| None::<ServerSample>);
    let topics = use_memo((), |()| SERVER_TOPIC.parse().into_iter().collect::<Vec<Topic>>());
    let fold = {
        let newest = newest.clone();
        use_memo((), |()| {
            Rc::new(move |applied: &Applied, _: Arrival| {
                if let Applied::Event(event) = applied {
                    *newest.borrow_mut() = from_object(event.data.get()).ok();
                }
            }) as Folder
        })
    };
    use_topics((*topics).clone(), (*fold).clone(), false);
    newest.borrow().clone()
}

/// The page.
#[component]
pub fn Console() -> Html {
    let followed = use_state_eq(from_address);
    let pulse = use_pulse();
    let change = {
        let followed = followed.clone();
        Callback::from(move |topics: Vec<Topic>| {
            let names: Vec<&str> = topics.iter().map(Topic::as_str).collect();
            address::set_parameter(PARAMETER, Some(&*names.join(",")).filter(|names| !names.is_empty()));
            followed.set(topics);
        })
    };
    let follow = {
        let (followed, change) = (followed.clone(), change.clone());
        Callback::from(move |(topic, on): (Topic, bool)| {
            let mut topics = (*followed).clone();
            topics.retain(|held| *held != topic);
            if on && topics.len() < TOPICS_MAX {
                topics.push(topic);
                topics.sort_unstable();
            }
            change.emit(topics);
        })
    };
    html! {
        <section class="page">
            <header class="page-head">
                <div>
                    <h1>{ "Console" }</h1>
                    <p>{ "Every topic of the log. Follow any of them, and write to those that are yours." }</p>
                </div>
                if let Some(sample) = pulse {
                    <p class="small" data-testid="pulse">
                        { format!("{} events/s, {} deliveries/s, {} events in memory",
                            units::number(sample.events), units::number(sample.deliveries), units::number(sample.log_events as f64)) }
                    </p>
                }
            </header>
            <Topics followed={(*followed).clone()} {follow} />
            <div class="console-work">
                <FramesView topics={(*followed).clone()} clear_topics={change.reform(|()| Vec::new())} />
                <PublishForm suggestion={followed.iter().find(|topic| !topic.is_reserved()).cloned()} />
            </div>
        </section>
    }
}
