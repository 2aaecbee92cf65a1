//! One job: where it stands, how far it is, what its work says, its attempts, its input and its result, live.

mod output;
mod story;
mod timeline;

use std::{cell::RefCell, rc::Rc};

use fourwire_shared::{
    figures::span,
    job::{Job as Told, JobId, State},
    session::Applied,
};
use yew::prelude::*;

use self::{
    output::output,
    story::Story,
    timeline::{attempts, timeline},
};
use crate::{
    api::{Failure, new_key},
    components::{copy_button, link, use_say, whole_failure},
    jobs::{api, bar, keys, private_tag, state_tag, words},
    json::pretty,
    live::{Folder, use_live, use_topics},
    router::{Go, Route},
    time::use_now,
    wire::Arrival,
};

/// Which job.
#[derive(Clone, PartialEq, Properties)]
pub struct JobProps {
    /// Its number.
    pub id: JobId,
    /// Goes to a page.
    pub go: Go,
}

/// The job, live, and why it is not there, if it is not.
#[hook]
fn use_job(id: JobId) -> (Rc<RefCell<Story>>, Option<Failure>) {
    let story = use_mut_ref(Story::default);
    let live = use_live();
    use_memo(id, |id| keys::take_from_address(*id));
    // Before its topics are followed, which the effects of this render do.
    live.driver().authorize(keys::secret_of(id));
    let failure = use_state_eq(|| None::<Failure>);
    let update = use_force_update();
    {
        let (story, failure, update) = (Rc::clone(&story), failure.setter(), update.clone());
        use_effect_with(id, move |id| {
            let id = *id;
            wasm_bindgen_futures::spawn_local(async move {
                match api::job(id).await {
                    Ok(job) => story.borrow_mut().see(job),
                    Err(lost) => failure.set(Some(lost)),
                }
                update.force_update();
            });
        });
    }
    let turn = story.borrow().turn();
    {
        let story = Rc::clone(&story);
        use_effect_with((id, turn), move |(id, turn)| {
            if turn.is_some() {
                let id = *id;
                wasm_bindgen_futures::spawn_local(async move {
                    if let Ok(list) = api::attempts(id).await {
                        story.borrow_mut().attempts = list.attempts;
                        update.force_update();
                    }
                });
            }
        });
    }
    let topics = use_memo(id, |id| vec![id.topic(), id.log_topic()]);
    let fold = {
        let story = Rc::clone(&story);
        Rc::new(move |applied: &Applied, _: Arrival| story.borrow_mut().take(id, applied)) as Folder
    };
    let known = story.borrow().job().is_some();
    use_topics(if known { (*topics).clone() } else { Vec::new() }, fold, false);
    (story, (*failure).clone())
}

/// The page.
#[component]
pub fn Job(JobProps { id, go }: &JobProps) -> Html {
    let (story, failure) = use_job(*id);
    let refused = use_state_eq(|| None::<Failure>);
    let now = use_now();
    let known = story.borrow();
    let Some(job) = known.job() else { return missing(failure, go) };
    if let Some(title) = crate::document().title().strip_prefix("Job ·") {
        crate::document().set_title(&format!("Job {id} ·{title}"));
    }
    html! {
        <section class="page job" data-testid="job" data-job={id.to_string()} data-state={job.state.as_str()} data-attempt={job.attempt.to_string()}>
            <header class="page-head">
                <div>
                    <h1>{ format!("Job {id}") }</h1>
                    <p class="row">{ &job.kind }{ state_tag(job) }{ private_tag(job) }<span>{ format!("in queue {}, priority {}", job.queue, job.priority) }</span></p>
                </div>
                <Acts job={job.clone()} go={go.clone()} refused={refused.setter()} />
            </header>
            if let Some(failure) = &*refused { { whole_failure(failure, &[]) } }
            <section class="card card-pad form" aria-label="How far it is">
                { progress(job, now) }
                { timeline(job, &known.attempts, now) }
            </section>
            { output(job) }
            <div class="job-columns">
                <section class="card" aria-labelledby="log-title">
                    <div class="card-head"><h2 id="log-title">{ "Log" }</h2></div>
                    { log(&known) }
                </section>
                <section class="card" aria-labelledby="input-title">
                    <div class="card-head"><h2 id="input-title">{ "Input" }</h2></div>
                    <div class="card-body job-preview"><pre tabindex="0" data-testid="job-input">{ job.input.as_ref().map(|input| pretty(&input.to_string())) }</pre></div>
                </section>
            </div>
            <section class="card" aria-labelledby="attempts-title">
                <div class="card-head"><h2 id="attempts-title">{ "Tries" }</h2></div>
                if known.attempts.is_empty() { <p class="card-body muted">{ "None yet." }</p> } else { { attempts(&known.attempts) } }
            </section>
        </section>
    }
}

/// While nothing is known, or where there is no such job.
fn missing(failure: Option<Failure>, go: &Go) -> Html {
    let is_private =
        matches!(&failure, Some(Failure::Refused(problem)) if matches!(problem.status, 401 | 403));
    let title = if is_private { "This job is private" } else { "No such job" };
    html! {
        <section class="page">
            if let Some(failure) = failure {
                <header class="page-head"><h1>{ title }</h1>{ link(go, Route::Jobs, "button", None, html! { { "All jobs" } }) }</header>
                if is_private {
                    <p>{ "Only whoever has its secret link sees it. It comes from whoever submitted the job." }</p>
                } else {
                    { whole_failure(&failure, &[]) }
                }
            } else {
                <div class="skeleton skeleton-title"></div>
                <div class="skeleton skeleton-chart"></div>
            }
        </section>
    }
}

/// How far it is, in a bar and in words.
fn progress(job: &Told, now: u64) -> Html {
    let Some(progress) = &job.progress else {
        let words = match job.state {
            State::Scheduled if job.waits_for > 0 => format!("It waits for {} other jobs.", job.waits_for),
            State::Scheduled | State::Retryable if job.run_at > now => {
                format!("It begins in {}.", span(job.run_at - now))
            }
            State::Available => "It waits for its turn.".to_owned(),
            State::Running => "It has begun.".to_owned(),
            _ => return job_error(job),
        };
        return html! { <>{ job_error(job) }<p class="muted">{ words }</p></> };
    };
    let until = job.finished_at.unwrap_or(now);
    let elapsed = until.saturating_sub(job.started_at.unwrap_or(until));
    let is_running = job.state == State::Running;
    let rate = words::rate(progress, elapsed).filter(|_| is_running || job.state == State::Completed);
    let left = words::left(progress).filter(|_| is_running);
    html! {
        <>
            { job_error(job) }
            <div class="between">
                <label for="job-progress" data-testid="job-message">{ if progress.message.is_empty() { "Progress" } else { &progress.message } }</label>
                <span class="small muted" data-testid="job-done" data-value={progress.done.to_string()}>
                    { [Some(words::done(progress)), rate, left].into_iter().flatten().collect::<Vec<_>>().join(" · ") }
                </span>
            </div>
            { bar("job-progress", "Progress", progress) }
        </>
    }
}

fn job_error(job: &Told) -> Html {
    let Some(error) = &job.error else { return html! {} };
    html! { <div class="problem" data-testid="job-error"><strong>{ "The newest try did not go well" }</strong><span>{ error }</span></div> }
}

fn log(story: &Story) -> Html {
    let mut lines = story.lines().peekable();
    if lines.peek().is_none() {
        return html! { <p class="card-body muted">{ "Its work has said nothing yet. What it says is kept in memory, for a day." }</p> };
    }
    html! {
        <ol class="job-log" tabindex="0" aria-label="What its work says" data-testid="job-log">
            { for lines.map(|(seq, line)| html! { <li key={seq.get()}><span class="muted">{ format!("try {}", line.attempt) }</span><span>{ &line.text }</span></li> }) }
        </ol>
    }
}

/// The properties of [`Acts`].
#[derive(PartialEq, Properties)]
struct ActsProps {
    job: Told,
    go: Go,
    refused: UseStateSetter<Option<Failure>>,
}

/// What can be done with the job now.
#[component]
fn Acts(ActsProps { job, go, refused }: &ActsProps) -> Html {
    let say = use_say();
    let key = use_memo(job.id, |_| new_key());
    let id = job.id;
    let cancel = {
        let (refused, say) = (refused.clone(), say.clone());
        Callback::from(move |_: MouseEvent| {
            let (refused, say) = (refused.clone(), say.clone());
            wasm_bindgen_futures::spawn_local(async move {
                match api::cancel(id).await {
                    Ok(_) => say.say("It was told to end."),
                    Err(failure) => refused.set(Some(failure)),
                }
            });
        })
    };
    let retry = {
        let (refused, say, go) = (refused.clone(), say.clone(), go.clone());
        Callback::from(move |_: MouseEvent| {
            let (refused, say, go, key) = (refused.clone(), say.clone(), go.clone(), Rc::clone(&key));
            wasm_bindgen_futures::spawn_local(async move {
                match api::retry(id, &key).await {
                    Ok(job) if job.id == id => say.say("It runs now."),
                    Ok(job) => {
                        say.say(format!("Job {} tries it again.", job.id));
                        go.emit(Route::Job(job.id));
                    }
                    Err(failure) => refused.set(Some(failure)),
                }
            });
        })
    };
    let delete = {
        let (refused, go) = (refused.clone(), go.clone());
        Callback::from(move |_: MouseEvent| {
            let question = format!("Forget job {id}, its result and its topic?");
            if !crate::window().confirm_with_message(&question).unwrap_or(false) {
                return;
            }
            let (refused, go) = (refused.clone(), go.clone());
            wasm_bindgen_futures::spawn_local(async move {
                match api::delete(id).await {
                    Ok(()) => go.emit(Route::Jobs),
                    Err(failure) => refused.set(Some(failure)),
                }
            });
        })
    };
    let is_over = job.state.is_over();
    let link_button = copy_button(
        &say,
        "Copy secret link",
        Callback::from(move |()| {
            let origin = crate::window().location().origin().unwrap_or_default();
            format!("{origin}{}", keys::linked(&Route::Job(id).path(), id))
        }),
    );
    html! {
        <div class="row">
            if let Some(first) = job.retry_of { { link(go, Route::Job(first), "button quiet", None, html! { { format!("Tries job {first} again") } }) } }
            if !is_over && !job.cancelling { <button type="button" class="button danger" data-testid="job-cancel" onclick={cancel}>{ "Cancel" }</button> }
            if is_over || job.state == State::Retryable { <button type="button" class="button" data-testid="job-retry" onclick={retry}>{ if is_over { "Try again" } else { "Try now" } }</button> }
            if is_over { <button type="button" class="button" data-testid="job-delete" onclick={delete}>{ "Delete" }</button> }
            if job.private { { link_button } }
            if is_over { <a class="button" href={keys::linked(&format!("/reports/{id}"), id)} data-testid="job-report">{ "Report" }</a> }
            { link(go, Route::Jobs, "button", None, html! { { "All jobs" } }) }
        </div>
    }
}
