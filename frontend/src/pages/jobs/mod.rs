//! Jobs: queues and what waits in them, the newest jobs live, and a form for whatever can be done.

mod board;
mod file_field;
mod new_job;
mod queues;
mod schema;
mod table;

use std::{collections::BTreeSet, rc::Rc};

use fourwire_shared::{
    Topic,
    job::{JOBS_TOPIC, Job, JobId, KindInfo, State, queue_topic},
    session::Applied,
};
use gloo::timers::callback::Timeout;
use yew::prelude::*;

use self::{
    board::{Board, Filter},
    new_job::NewJob,
    queues::queues,
    table::{Chosen, table},
};
use super::PageProps;
use crate::{
    address,
    api::{Failure, new_key},
    components::{use_say, value, whole_failure},
    jobs::{api, words},
    live::{Folder, use_topics},
    time::use_now,
    wire::Arrival,
};

/// Jobs of a page, and how many more each press of the button shows.
const PAGE: usize = 50;
/// The most queues that are followed live; a subscription has 64 topics.
const QUEUES_MAX: usize = 40;
/// The most running jobs whose progress is followed live.
const RUNNING_MAX: usize = 16;
/// How long after a job of an unknown queue the queues are read again, in ms; at first they are read at once.
const QUEUES_AFTER_MS: u32 = 300;

/// The parameters of the address that hold the filter.
const PARAMETERS: [&str; 3] = ["state", "kind", "queue"];

fn filter_of_address() -> Filter {
    let [state, kind, queue] = PARAMETERS.map(|name| address::parameter(name).unwrap_or_default());
    Filter { state: State::of(&state), kind, queue }
}

/// What further pages have brought.
#[derive(Clone, Default, PartialEq)]
struct Further {
    most: usize,
    next: Option<JobId>,
    failure: Option<Failure>,
}

/// The topics of what is shown: all jobs, the queues, and those that run.
fn topics(board: &Board, shown: &[&Job]) -> Vec<Topic> {
    let queues = board.queues().take(QUEUES_MAX).filter_map(|queue| queue_topic(&queue.name));
    // A private one would be refused, and the other topics with it.
    let running = shown.iter().filter(|job| job.state == State::Running && !job.private).take(RUNNING_MAX);
    JOBS_TOPIC.parse().into_iter().chain(queues).chain(running.map(|job| job.id.topic())).collect()
}

/// The page.
#[component]
pub fn Jobs(PageProps { go }: &PageProps) -> Html {
    let board = use_mut_ref(Board::default);
    let update = use_force_update();
    let filter = use_state_eq(filter_of_address);
    let further = use_state_eq(|| Further { most: PAGE, ..Further::default() });
    let chosen = use_state_eq(BTreeSet::<JobId>::new);
    let kinds = use_state_eq(Vec::<KindInfo>::new);
    let failure = use_state_eq(|| None::<Failure>);
    let making = use_state_eq(|| None::<String>);
    let say = use_say();
    let now = use_now();

    let held = board.borrow();
    let shown: Vec<Job> = held.shown(&filter, further.most).into_iter().cloned().collect();
    let fold = {
        let board = Rc::clone(&board);
        Rc::new(move |applied: &Applied, _: Arrival| board.borrow_mut().take(applied)) as Folder
    };
    use_topics(topics(&held, &shown.iter().collect::<Vec<_>>()), fold, false);

    let read = {
        let (board, further, update) = (Rc::clone(&board), further.clone(), update.clone());
        Callback::from(move |(filter, cursor, most): (Filter, Option<JobId>, usize)| {
            let (board, further, update) = (Rc::clone(&board), further.setter(), update.clone());
            wasm_bindgen_futures::spawn_local(async move {
                match api::list(&filter.query(cursor)).await {
                    Ok(list) => {
                        list.jobs.into_iter().for_each(|job| board.borrow_mut().put(job));
                        further.set(Further { most, next: list.next, failure: None });
                    }
                    Err(failure) => further.set(Further { most, next: cursor, failure: Some(failure) }),
                }
                update.force_update();
            });
        })
    };
    {
        let (read, chosen) = (read.clone(), chosen.setter());
        use_effect_with((*filter).clone(), move |filter| {
            let texts = [filter.state.map_or("", State::as_str), &filter.kind, &filter.queue];
            for (name, text) in PARAMETERS.into_iter().zip(texts) {
                address::set_parameter(name, Some(text).filter(|text| !text.is_empty()));
            }
            chosen.set(BTreeSet::new());
            read.emit((filter.clone(), None, PAGE));
        });
    }
    {
        let (kinds, failure) = (kinds.setter(), failure.setter());
        use_effect_with((), move |()| {
            wasm_bindgen_futures::spawn_local(async move {
                match api::kinds().await {
                    Ok(list) => kinds.set(list.kinds),
                    Err(lost) => failure.set(Some(lost)),
                }
            });
        });
    }
    let unknown = held.has_unknown_queue() || !held.known;
    {
        let (board, update) = (Rc::clone(&board), update.clone());
        use_effect_with((unknown, shown.first().map(|job| job.id)), move |(unknown, _)| {
            let pause = if board.borrow().queues().next().is_none() { 0 } else { QUEUES_AFTER_MS };
            let later = unknown.then(|| {
                Timeout::new(pause, move || {
                    wasm_bindgen_futures::spawn_local(async move {
                        if let Ok(list) = api::queues().await {
                            board.borrow_mut().put_queues(list.queues);
                            update.force_update();
                        }
                    });
                })
            });
            move || drop(later)
        });
    }
    let set_filter = {
        let filter = filter.clone();
        Callback::from(move |next: Filter| filter.set(next))
    };
    let open = {
        let making = making.clone();
        Callback::from(move |kind: Option<String>| making.set(kind))
    };
    let bulk = {
        let (board, update, chosen) = (Rc::clone(&board), update.clone(), chosen.clone());
        Callback::from(move |(cancel, ids): (bool, Vec<JobId>)| {
            let (board, update, say) = (Rc::clone(&board), update.clone(), say.clone());
            chosen.set(BTreeSet::new());
            wasm_bindgen_futures::spawn_local(async move {
                let (mut done, mut refused) = (0, 0);
                for id in ids {
                    let told = if cancel { api::cancel(id).await } else { api::retry(id, &new_key()).await };
                    match told {
                        Ok(job) => {
                            board.borrow_mut().put(job);
                            done += 1;
                        }
                        Err(_) => refused += 1,
                    }
                }
                say.say(outcome(cancel, done, refused));
                update.force_update();
            });
        })
    };
    let pause = {
        let (board, update, failure) = (Rc::clone(&board), update, failure.setter());
        Callback::from(move |(queue, on): (String, bool)| {
            let (board, update, failure) = (Rc::clone(&board), update.clone(), failure.clone());
            wasm_bindgen_futures::spawn_local(async move {
                match api::pause(&queue, on).await {
                    Ok(queue) => board.borrow_mut().put_queues(vec![queue]),
                    Err(lost) => failure.set(Some(lost)),
                }
                update.force_update();
            });
        })
    };
    let more = {
        let (read, filter, further) = (read, (*filter).clone(), further.clone());
        Callback::from(move |_: MouseEvent| read.emit((filter.clone(), further.next, further.most + PAGE)))
    };
    let first_kind = kinds.first().map(|kind| kind.name.clone());
    let has_filter = *filter != Filter::default();
    html! {
        <section class="page jobs">
            <header class="page-head">
                <div>
                    <h1>{ "Jobs" }</h1>
                    <p>{ "Long work: accepted at once, done durably, watched live by the wire you choose." }</p>
                </div>
                <button type="button" class="button primary" data-testid="job-new" onclick={open.reform(move |_: MouseEvent| first_kind.clone())}>{ "New job" }</button>
            </header>
            if let Some(failure) = &*failure { { whole_failure(failure, &[]) } }
            { queues(&held, now, &pause) }
            <section class="card" aria-labelledby="jobs-title">
                <div class="card-head">
                    <h2 id="jobs-title">{ "Newest first" }</h2>
                    { filters(&filter, &kinds, &held, &set_filter) }
                </div>
                if !held.known {
                    <div class="card-body"><div class="skeleton topics-skeleton"></div></div>
                } else if shown.is_empty() {
                    { nothing(has_filter, &kinds, &open) }
                } else {
                    { table(&shown, now, &Chosen { ids: (*chosen).clone(), set: Callback::from({ let chosen = chosen.setter(); move |ids| chosen.set(ids) }), act: bulk }, go) }
                }
                if let Some(failure) = &further.failure { <div class="card-body">{ whole_failure(failure, &[]) }</div> }
                if further.next.is_some() {
                    <div class="card-foot"><button type="button" class="button quiet" data-testid="jobs-more" onclick={more}>{ "Older jobs" }</button></div>
                }
            </section>
            if let Some(kind) = (*making).clone() {
                <NewJob kinds={Rc::new((*kinds).clone())} {kind} close={open.reform(|()| None)} go={go.clone()} />
            }
        </section>
    }
}

/// What came of cancelling or retrying many, in a sentence.
fn outcome(cancel: bool, done: usize, refused: usize) -> String {
    let (verb, state) =
        if cancel { ("cancelled", "over already") } else { ("tried again", "still under way") };
    let jobs = |count: usize| format!("{count} {}", if count == 1 { "job" } else { "jobs" });
    match refused {
        0 => format!("{} {verb}.", jobs(done)),
        refused => format!("{} {verb}; {refused} could not be: they are {state} or gone.", jobs(done)),
    }
}

fn filters(filter: &Filter, kinds: &[KindInfo], board: &Board, set: &Callback<Filter>) -> Html {
    let select = |id: &'static str,
                  label: &'static str,
                  now: &str,
                  options: Vec<(String, String)>,
                  edit: fn(&mut Filter, String)| {
        let (filter, set) = (filter.clone(), set.clone());
        let onchange = Callback::from(move |event: Event| {
            let mut next = filter.clone();
            edit(&mut next, value(&event));
            set.emit(next);
        });
        let option = |(text, words): (String, String)| {
            let selected = text == now;
            html! { <option key={text.clone()} value={text} {selected}>{ words }</option> }
        };
        html! {
            <select {id} class="input" aria-label={label} {onchange}>
                <option value="" selected={now.is_empty()}>{ label }</option>
                { for options.into_iter().map(option) }
            </select>
        }
    };
    let states = State::ALL.map(|state| (state.as_str().to_owned(), words::state(state).to_owned()));
    let kinds = kinds.iter().map(|kind| (kind.name.clone(), kind.name.clone())).collect();
    let queues = board.queues().map(|queue| (queue.name.clone(), queue.name.clone())).collect();
    html! {
        <div class="row jobs-filters" data-testid="jobs-filters">
            { select("jobs-state", "Any state", filter.state.map_or("", State::as_str), states.into(), |filter, text| filter.state = State::of(&text)) }
            { select("jobs-kind", "Any kind", &filter.kind, kinds, |filter, text| filter.kind = text) }
            { select("jobs-queue", "Any queue", &filter.queue, queues, |filter, text| filter.queue = text) }
        </div>
    }
}

fn nothing(filtered: bool, kinds: &[KindInfo], open: &Callback<Option<String>>) -> Html {
    if filtered {
        return html! { <p class="empty" data-testid="jobs-empty">{ "No job is like that." }</p> };
    }
    let offer = |kind: &KindInfo| {
        let onclick = open.reform({
            let name = kind.name.clone();
            move |_: MouseEvent| Some(name.clone())
        });
        html! {
            <li key={kind.name.clone()}>
                <button type="button" class="button" {onclick}>{ &kind.name }</button>
                <span class="small muted">{ &kind.about }</span>
            </li>
        }
    };
    html! {
        <div class="card-body job-kinds" data-testid="jobs-empty">
            <p>{ "There are no jobs yet. This is what can be done:" }</p>
            <ul>{ for kinds.iter().map(offer) }</ul>
        </div>
    }
}
