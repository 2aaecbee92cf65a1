//! A job's time as a bar, and its attempts as a table.

use fourwire_shared::{
    decimal::trimmed,
    figures::span,
    job::{Attempt, Job, Outcome},
};
use yew::prelude::*;

use super::story::{Piece, pieces};
use crate::format;

/// The drawing's units, and the least that a piece gets of them.
const WIDE: f64 = 1_000.0;
const LEAST: f64 = 4.0;

fn tone(piece: Piece) -> &'static str {
    match piece {
        Piece::Waiting => "piece",
        Piece::Attempt(_, None) => "piece piece-now",
        Piece::Attempt(_, Some(Outcome::Completed)) => "piece piece-ok",
        Piece::Attempt(_, Some(Outcome::Cancelled | Outcome::Released)) => "piece piece-off",
        Piece::Attempt(..) => "piece piece-bad",
    }
}

/// The bar, and what it says in words.
pub(super) fn timeline(job: &Job, attempts: &[Attempt], now: u64) -> Html {
    let pieces = pieces(job, attempts, now);
    let whole: f64 = pieces.iter().map(|(_, from, to)| (to - from) as f64).sum::<f64>().max(1.0);
    let room = WIDE - LEAST * pieces.len() as f64;
    let mut at = 0.0;
    let bars = pieces.iter().enumerate().map(|(index, (piece, from, to))| {
        let width = LEAST + (to - from) as f64 / whole * room;
        let left = at;
        at += width;
        html! { <rect key={index} class={tone(*piece)} x={px(left)} y="0" width={px((width - 2.0).max(2.0))} height="14" rx="2" /> }
    });
    let bars: Html = bars.collect();
    let waited: u64 =
        pieces.iter().filter(|(piece, ..)| *piece == Piece::Waiting).map(|(_, from, to)| to - from).sum();
    let worked: u64 =
        pieces.iter().filter(|(piece, ..)| *piece != Piece::Waiting).map(|(_, from, to)| to - from).sum();
    let moment = |name: &'static str, at: Option<u64>| {
        html! {
            <div key={name}><dt>{ name }</dt><dd>
                if let Some(at) = at { <time title={format::iso(at as f64 / 1_000.0)}>{ format::time_of_day(at as f64 / 1_000.0) }</time> } else { { "–" } }
            </dd></div>
        }
    };
    html! {
        <>
            <svg class="job-timeline" viewBox="0 0 1000 14" preserveAspectRatio="none" role="img" aria-label={format!("Waited {}, worked {}", span(waited), span(worked))}>{ bars }</svg>
            <dl class="facts">
                { moment("Submitted", Some(job.created_at)) }
                { moment("Newest try", job.started_at) }
                { moment("Over", job.finished_at) }
                <div><dt>{ "Waited" }</dt><dd>{ span(waited) }</dd></div>
                <div><dt>{ "Worked" }</dt><dd>{ span(worked) }</dd></div>
                <div><dt>{ "Tries" }</dt><dd>{ format!("{} of {}", job.used, job.max_attempts) }</dd></div>
            </dl>
        </>
    }
}

/// One decimal: a drawing needs no more.
fn px(value: f64) -> String {
    trimmed(value, 1)
}

/// The attempts, newest first.
pub(super) fn attempts(attempts: &[Attempt]) -> Html {
    let row = |attempt: &Attempt| {
        let took = attempt.ended_at.map(|ended| span(ended.saturating_sub(attempt.started_at)));
        let outcome = attempt.outcome.map_or("under way", Outcome::words);
        html! {
            <tr key={attempt.number} data-testid="attempt" data-number={attempt.number.to_string()} data-outcome={outcome}>
                <th scope="row" class="num">{ attempt.number }</th>
                <td>{ format::time_of_day(attempt.started_at as f64 / 1_000.0) }</td>
                <td class="num">{ took.unwrap_or_else(|| "–".to_owned()) }</td>
                <td>{ outcome }</td>
                <td data-testid="attempt-by">{ attempt.worker.clone().unwrap_or_else(|| "server".to_owned()) }</td>
                <td class="attempt-error">{ attempt.error.clone() }</td>
            </tr>
        }
    };
    html! {
        <div class="scroll" tabindex="0" role="region" aria-label="Each try">
            <table class="rows" data-testid="attempts">
                <thead><tr><th scope="col" class="num">{ "Try" }</th><th scope="col">{ "Begun" }</th><th scope="col" class="num">{ "Took" }</th><th scope="col">{ "Ended" }</th><th scope="col">{ "By" }</th><th scope="col">{ "Why" }</th></tr></thead>
                <tbody>{ for attempts.iter().rev().map(row) }</tbody>
            </table>
        </div>
    }
}
