//! The queues: what runs, what waits and since when, and how much is done.

use fourwire_shared::{
    figures::{count, span},
    job::Queue,
};
use yew::prelude::*;

use super::board::Board;
use crate::components::Icon;

/// Places that are drawn at most.
const PLACES_MAX: u32 = 32;

/// All queues; nothing where there is none yet, and their place while nobody knows.
pub(super) fn queues(board: &Board, now: u64, pause: &Callback<(String, bool)>) -> Html {
    if board.queues().next().is_none() {
        let is_told = board.known && !board.has_unknown_queue();
        return if is_told {
            html! {}
        } else {
            html! { <div class="queues"><div class="skeleton queue-skeleton"></div></div> }
        };
    }
    html! {
        <ul class="queues" aria-label="Queues" data-testid="queues">
            { for board.queues().map(|queue| card(queue, board.ended(&queue.name, now), now, pause)) }
        </ul>
    }
}

fn card(queue: &Queue, ended: u64, now: u64, pause: &Callback<(String, bool)>) -> Html {
    let counts = queue.counts;
    let oldest = queue.oldest.map(|since| now.saturating_sub(since));
    let onclick = pause.reform({
        let (name, on) = (queue.name.clone(), !queue.paused);
        move |_: MouseEvent| (name.clone(), on)
    });
    let fact = |name: &'static str, value: u64| html! { <div key={name}><dt>{ name }</dt><dd>{ count(value as i64) }</dd></div> };
    html! {
        <li key={queue.name.clone()} class="card queue" data-testid="queue" data-queue={queue.name.clone()} data-paused={queue.paused.to_string()} data-waiting={counts.waiting().to_string()} data-running={counts.running.to_string()}>
            <div class="between">
                <h2>{ &queue.name }</h2>
                if queue.paused { <span class="tag warn">{ Icon::Pause.view() }{ "Paused" }</span> }
                <button type="button" class="button tight" data-testid="queue-pause" aria-label={format!("{} queue {}", if queue.paused { "Resume" } else { "Pause" }, queue.name)} {onclick}>
                    { if queue.paused { "Resume" } else { "Pause" } }
                </button>
            </div>
            { places(counts.running, queue.concurrency) }
            <dl class="queue-facts">
                { fact("waiting", counts.available) }
                { fact("for their time", counts.scheduled + counts.retryable) }
                { fact("per minute", ended) }
                { fact("completed", counts.completed) }
                { fact("failed", counts.discarded) }
                <div><dt>{ "waits longest" }</dt><dd>{ oldest.map_or_else(|| "–".to_owned(), span) }</dd></div>
            </dl>
        </li>
    }
}

/// The places of a queue, those that are taken filled. One that is left to workers in other processes has none here.
fn places(running: u64, concurrency: u32) -> Html {
    if concurrency == 0 {
        return html! { <div class="row small"><span class="muted">{ format!("{running} running, by workers") }</span></div> };
    }
    let shown = concurrency.min(PLACES_MAX);
    let place = |index: u32| {
        let taken = u64::from(index) < running;
        html! { <rect key={index} x={(index * 14).to_string()} y="0" width="10" height="10" rx="2" class={if taken { "place taken" } else { "place" }} /> }
    };
    let width = shown * 14;
    html! {
        <div class="row small">
            <svg class="places" viewBox={format!("0 0 {width} 10")} width={width.to_string()} height="10" aria-hidden="true">{ for (0..shown).map(place) }</svg>
            <span class="muted">{ format!("{running} of {concurrency} running") }</span>
        </div>
    }
}
