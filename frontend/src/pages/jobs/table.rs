//! The table of jobs: each with its state and progress, and what can be done with many at once.

use std::collections::BTreeSet;

use fourwire_shared::{
    figures::span,
    job::{Job, JobId, State},
};
use yew::prelude::*;

use crate::{
    components::link,
    jobs::{bar, private_tag, state_tag, words},
    router::{Go, Route},
};

/// Which jobs are chosen, how to choose others, and what to do with them: cancel, or else try again.
pub(super) struct Chosen {
    pub(super) ids: BTreeSet<JobId>,
    pub(super) set: Callback<BTreeSet<JobId>>,
    pub(super) act: Callback<(bool, Vec<JobId>)>,
}

fn is_checked(event: &Event) -> bool {
    event.target_dyn_into::<web_sys::HtmlInputElement>().is_some_and(|input| input.checked())
}

/// The table.
pub(super) fn table(jobs: &[Job], now: u64, chosen: &Chosen, go: &Go) -> Html {
    let all = !jobs.is_empty() && jobs.iter().all(|job| chosen.ids.contains(&job.id));
    let choose_all = {
        let (set, ids) = (chosen.set.clone(), jobs.iter().map(|job| job.id).collect::<BTreeSet<_>>());
        Callback::from(move |event: Event| {
            set.emit(if is_checked(&event) { ids.clone() } else { BTreeSet::new() })
        })
    };
    html! {
        <>
            <div class="scroll" tabindex="0" role="region" aria-label="Jobs">
                <table class="rows job-rows" data-testid="jobs">
                    <thead><tr>
                        <th scope="col"><input type="checkbox" aria-label="Choose all that are shown" checked={all} onchange={choose_all} /></th>
                        <th scope="col">{ "Job" }</th><th scope="col">{ "State" }</th><th scope="col" class="job-progress-column">{ "Progress" }</th>
                        <th scope="col" class="wide-only">{ "Queue" }</th><th scope="col" class="num wide-only">{ "Tries" }</th><th scope="col" class="num">{ "Submitted" }</th>
                    </tr></thead>
                    <tbody>{ for jobs.iter().map(|job| row(job, now, chosen, go)) }</tbody>
                </table>
            </div>
            if !chosen.ids.is_empty() { { actions(jobs, chosen) } }
        </>
    }
}

fn row(job: &Job, now: u64, chosen: &Chosen, go: &Go) -> Html {
    let id = job.id;
    let onchange = {
        let (ids, set) = (chosen.ids.clone(), chosen.set.clone());
        Callback::from(move |event: Event| {
            let mut ids = ids.clone();
            if is_checked(&event) {
                ids.insert(id)
            } else {
                ids.remove(&id)
            };
            set.emit(ids);
        })
    };
    let age = now.saturating_sub(job.created_at);
    html! {
        <tr key={id.get()} data-testid="job-row" data-job={id.to_string()} data-state={job.state.as_str()}>
            <td><input type="checkbox" aria-label={format!("Choose job {id}")} checked={chosen.ids.contains(&id)} {onchange} /></td>
            <th scope="row">{ link(go, Route::Job(id), "job-link", None, html! { <><span class="muted">{ id.get() }</span>{ " " }{ &job.kind }</> }) }</th>
            <td><span class="job-tags">{ state_tag(job) }{ private_tag(job) }</span></td>
            <td class="job-progress-column">{ progress(job, now) }</td>
            <td class="wide-only">{ &job.queue }</td>
            <td class="num wide-only">{ format!("{} of {}", job.used, job.max_attempts) }</td>
            <td class="num">{ format!("{} ago", span(age / 1_000_000 * 1_000_000)) }</td>
        </tr>
    }
}

/// What matters of a job in its state, in a line.
fn progress(job: &Job, now: u64) -> Html {
    let until = |at: u64| {
        if at > now { format!("in {}", span((at - now) / 1_000_000 * 1_000_000)) } else { "now".to_owned() }
    };
    match (job.state, &job.progress) {
        (State::Running, Some(progress)) => html! {
            <span class="job-now">{ bar(&format!("bar-{}", job.id), &format!("Job {}", job.id), progress) }<span class="muted">{ words::done(progress) }</span></span>
        },
        (State::Running, None) => html! { <span class="muted">{ "begun" }</span> },
        (State::Scheduled, _) if job.waits_for > 0 => {
            html! { <span class="muted">{ format!("for {}", job.waits_for) }</span> }
        }
        (State::Scheduled | State::Retryable, _) => {
            html! { <span class="muted">{ until(job.run_at) }</span> }
        }
        (State::Discarded | State::Cancelled, _) => {
            html! { <span class="job-error muted" title={job.error.clone()}>{ job.error.clone() }</span> }
        }
        (State::Completed, _) => {
            let took = job.started_at.zip(job.finished_at).map(|(from, to)| to.saturating_sub(from));
            html! { <span class="muted">{ took.map(|took| format!("in {}", span(took))) }</span> }
        }
        (State::Available, _) => html! {},
    }
}

fn actions(jobs: &[Job], chosen: &Chosen) -> Html {
    let of = |can: fn(State) -> bool| -> Vec<JobId> {
        let can = jobs.iter().filter(|job| chosen.ids.contains(&job.id) && can(job.state));
        can.map(|job| job.id).collect()
    };
    let cancel = of(|state| !state.is_over());
    let retry = of(|state| state.is_over() || state == State::Retryable);
    let button = |words: String, testid: &'static str, class: &'static str, ids: Vec<JobId>, cancel: bool| {
        let disabled = ids.is_empty();
        let onclick = chosen.act.reform(move |_: MouseEvent| (cancel, ids.clone()));
        html! { <button type="button" {class} data-testid={testid} {disabled} {onclick}>{ words }</button> }
    };
    html! {
        <div class="card-foot jobs-actions" role="group" aria-label="With the chosen jobs">
            <span class="small">{ format!("{} chosen", chosen.ids.len()) }</span>
            <div class="row">
                { button(format!("Cancel {}", cancel.len()), "jobs-cancel", "button danger", cancel, true) }
                { button(format!("Try {} again", retry.len()), "jobs-retry", "button", retry, false) }
            </div>
        </div>
    }
}
