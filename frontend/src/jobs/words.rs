//! How a job reads: its state, how far it is, and how fast.

use fourwire_shared::{
    figures::{bytes, count, number, span},
    job::{Job, Progress, State},
};
use yew::prelude::*;

use crate::components::Icon;

/// A state as a person says it.
pub const fn state(state: State) -> &'static str {
    match state {
        State::Scheduled => "Scheduled",
        State::Available => "Waiting",
        State::Running => "Running",
        State::Retryable => "Will retry",
        State::Completed => "Completed",
        State::Cancelled => "Cancelled",
        State::Discarded => "Failed",
    }
}

/// A job's state, as a tag.
pub fn state_tag(job: &Job) -> Html {
    let tone = match job.state {
        State::Completed => "tag ok",
        State::Retryable => "tag warn",
        State::Discarded => "tag bad",
        _ => "tag",
    };
    let words = match job.state {
        State::Running if job.cancelling => "Stopping",
        State::Scheduled if job.waits_for > 0 => "Waits for others",
        one => state(one),
    };
    html! { <span class={tone} data-testid="job-state" data-state={job.state.as_str()}>{ words }</span> }
}

/// A number of units: bytes are written as such.
fn units(value: u64, unit: &str) -> String {
    match unit {
        "bytes" => bytes(value as f64),
        "" => count(value as i64),
        unit => format!("{} {unit}", count(value as i64)),
    }
}

/// `120 of 4 000 rows`.
pub fn done(progress: &Progress) -> String {
    let unit = progress.unit.as_str();
    match progress.total {
        Some(total) if unit == "bytes" => format!("{} of {}", units(progress.done, unit), units(total, unit)),
        Some(total) => format!("{} of {}", count(progress.done as i64), units(total, unit)),
        None => units(progress.done, unit),
    }
}

/// `1 200 rows/s`: the mean of the attempt so far. Nothing in its first half second, nor below one a second: it would say
/// little.
pub fn rate(progress: &Progress, elapsed_us: u64) -> Option<String> {
    if elapsed_us < 500_000 || progress.done == 0 {
        return None;
    }
    let rate = progress.done as f64 / (elapsed_us as f64 / 1e6);
    (rate >= 1.0).then(|| match progress.unit.as_str() {
        "bytes" => format!("{}/s", bytes(rate)),
        unit => format!("{} {unit}/s", number(rate)),
    })
}

/// How long it still takes, by its own estimate.
pub fn left(progress: &Progress) -> Option<String> {
    let eta_ms = progress.eta_ms.filter(|_| progress.total.is_some_and(|total| progress.done < total))?;
    Some(format!("about {} left", span(eta_ms.saturating_mul(1_000))))
}

/// Whether a job is private, as a tag.
pub fn private_tag(job: &Job) -> Html {
    if !job.private {
        return html! {};
    }
    html! { <span class="tag" data-testid="job-private" title="Only whoever has its secret link sees more of it.">{ Icon::Lock.view() }{ "Private" }</span> }
}

/// The bar of a progress; one without a total only moves.
pub fn bar(id: &str, label: &str, progress: &Progress) -> Html {
    let total = progress.total.map(|total| total.max(1).to_string());
    let value = total.is_some().then(|| progress.done.to_string());
    html! { <progress id={id.to_owned()} class="job-bar" max={total} {value} aria-label={label.to_owned()} /> }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(done: u64, total: Option<u64>, unit: &str, eta_ms: Option<u64>) -> Progress {
        Progress { done, total, unit: unit.to_owned(), message: String::new(), eta_ms }
    }

    #[test]
    fn progress_reads_with_its_unit() {
        for (progress, text) in [
            (progress(120, Some(4_000), "rows", None), "120 of 4\u{202f}000 rows"),
            (progress(120, None, "rows", None), "120 rows"),
            (progress(1_024, Some(4_096), "bytes", None), "1\u{a0}KiB of 4\u{a0}KiB"),
            (progress(7, None, "", None), "7"),
        ] {
            assert_eq!(done(&progress), text);
        }
    }

    #[test]
    fn a_rate_is_told_when_there_is_something_to_tell() {
        let some = progress(100, Some(400), "rows", Some(6_000));
        assert_eq!(rate(&some, 2_000_000).as_deref(), Some("50 rows/s"));
        assert_eq!([rate(&some, 400_000), rate(&some, 101_000_000)], [None, None]);
        assert_eq!(left(&some).as_deref(), Some("about 6\u{a0}s left"));
        assert_eq!(left(&progress(400, Some(400), "rows", Some(0))), None, "it is done");
        assert_eq!(left(&progress(4, None, "rows", Some(9))), None, "nobody knows how much there is");
    }
}
