//! The frames of the followed topics as they come: newest first, filtered, held still on demand or while one scrolls.

use std::{cell::RefCell, rc::Rc};

use fourwire_shared::{Topic, Wire};
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;
use yew::prelude::*;

use super::{
    frames::{Frames, ROW_PX, Row, window},
    snippet,
};
use crate::{
    charts::units,
    components::{Icon, Say, copy_button, use_say, value, wire_mark},
    format,
    json::pretty,
    live::{Folder, Live, use_session, use_topics},
    wire::Arrival,
};

/// The height of the list in px; `console.css` gives it this height.
const LIST_PX: f64 = 416.0;

/// The properties of [`FramesView`].
#[derive(Properties, PartialEq)]
pub(super) struct FramesViewProps {
    /// The topics to follow.
    pub(super) topics: Vec<Topic>,
    /// Follows none any more.
    pub(super) clear_topics: Callback<()>,
}

fn wire(live: &Live) -> Wire {
    live.driver().wire()
}

/// The list.
#[component]
pub(super) fn FramesView(props: &FramesViewProps) -> Html {
    let frames: Rc<RefCell<Frames>> = use_mut_ref(Frames::default);
    let say = use_say();
    let filter = use_state_eq(String::new);
    let top_px = use_state_eq(|| 0.0f64);
    let held = use_state(|| None::<Rc<Vec<Rc<Row>>>>);
    let chosen = use_state_eq(|| None::<Rc<Row>>);
    let wire = use_session(1_000, wire);
    let fold = {
        let frames = frames.clone();
        use_memo((), |()| {
            Rc::new(move |applied: &_, came: Arrival| {
                frames.borrow_mut().fold(applied, came.at_ms, came.wire)
            }) as Folder
        })
    };
    use_topics(props.topics.clone(), (*fold).clone(), held.is_some());

    let all = match &*held {
        Some(rows) => Rc::clone(rows),
        None => Rc::new(frames.borrow().matching(&filter)),
    };
    let hold = {
        let (held, all) = (held.clone(), all.clone());
        move |on: bool| held.set(on.then(|| all.clone()))
    };
    let toggle = {
        let (hold, is_held) = (hold.clone(), held.is_some());
        Callback::from(move |_: MouseEvent| {
            hold(!is_held);
            if is_held {
                to_top();
            }
        })
    };
    let onscroll = {
        let (top_px, held) = (top_px.clone(), held.clone());
        Callback::from(move |event: Event| {
            let list = event.target().and_then(|target| target.dyn_into::<HtmlElement>().ok());
            let top = list.map_or(0.0, |list| f64::from(list.scroll_top()));
            // Whoever scrolls reads: the list holds still until asked to go on.
            if top > 0.0 && held.is_none() {
                hold(true);
            }
            top_px.set((top / ROW_PX).floor() * ROW_PX);
        })
    };
    let onfilter = {
        let (filter, held) = (filter.clone(), held.clone());
        Callback::from(move |event: InputEvent| {
            filter.set(value(&event));
            held.set(None);
        })
    };
    let clear = {
        let (frames, held, chosen) = (frames.clone(), held.clone(), chosen.clone());
        Callback::from(move |_: MouseEvent| {
            frames.borrow_mut().clear();
            chosen.set(None);
            held.set(None);
        })
    };
    let origin = crate::window().location().origin().unwrap_or_default();
    let command = snippet::command(&origin, *wire, &props.topics);
    let copied = command.clone();
    html! {
        <section class="card frames-card" aria-labelledby="frames-title">
            <div class="card-head">
                <h2 id="frames-title">{ "Frames" }</h2>
                <div class="row">
                    <label class="visually-hidden" for="frame-filter">{ "Show frames that contain" }</label>
                    <input id="frame-filter" class="input search" type="search" placeholder="Contains…" autocomplete="off" spellcheck="false"
                        oninput={onfilter} />
                    <button type="button" class="button" aria-pressed={held.is_some().to_string()} data-testid="hold" onclick={toggle}>
                        if held.is_some() { { Icon::Play.view() }{ "Go on" } } else { { Icon::Pause.view() }{ "Pause" } }
                    </button>
                    <button type="button" class="button quiet" onclick={clear}>{ "Clear" }</button>
                </div>
            </div>
            if props.topics.is_empty() && all.is_empty() {
                <div class="empty frames-empty" data-testid="frames">
                    <strong>{ "Nothing is followed" }</strong>
                    <span>{ "Follow a topic in the list above: its frames appear here as they arrive." }</span>
                </div>
            } else {
                <FrameList rows={all.clone()} top_px={*top_px} {onscroll} chosen={chosen.as_ref().map(|row| row.id)}
                    choose={{ let chosen = chosen.clone(); Callback::from(move |row: Rc<Row>| chosen.set(Some(row))) }} />
                <div class="card-foot">
                    <span class="muted small" data-testid="frame-count">
                        { format!("{} shown, {} came", units::count(all.len() as i64), units::count(frames.borrow().total() as i64)) }
                    </span>
                    <span class="row">
                        <button type="button" class="button quiet tight" onclick={props.clear_topics.reform(|_| ())}>{ "Follow none" }</button>
                        { copy_button(&say, "Copy as a shell command", Callback::from(move |()| copied.clone())) }
                    </span>
                </div>
                <pre class="snippet" tabindex="0" aria-label="The same in a shell">{ command }</pre>
            }
            if let Some(row) = &*chosen { { detail(row, &say) } }
        </section>
    }
}

/// Back to the newest frame: a list that goes on while scrolled would be held again at once.
fn to_top() {
    if let Ok(Some(list)) = crate::document().query_selector(".frames-scroll") {
        list.set_scroll_top(0);
    }
}

#[derive(Properties, PartialEq)]
struct FrameListProps {
    rows: Rc<Vec<Rc<Row>>>,
    top_px: f64,
    onscroll: Callback<Event>,
    chosen: Option<u64>,
    choose: Callback<Rc<Row>>,
}

/// The rows in sight, between two spacers that stand for the others. Sizes go in by the object model: the page's policy
/// allows no style attributes.
#[component]
fn FrameList(props: &FrameListProps) -> Html {
    let body = use_node_ref();
    let range = window(props.rows.len(), props.top_px, LIST_PX);
    {
        let body = body.clone();
        let (before, count) = (range.start as f64 * ROW_PX, props.rows.len() as f64 * ROW_PX);
        use_effect_with((before as i64, count as i64), move |(before, count)| {
            if let Some(body) = body.cast::<HtmlElement>() {
                let _ = body.style().set_property("padding-block-start", &format!("{before}px"));
                let _ = body.style().set_property("block-size", &format!("{count}px"));
            }
        });
    }
    let row = |row: &Rc<Row>| {
        let onclick = {
            let (choose, row) = (props.choose.clone(), Rc::clone(row));
            Callback::from(move |_: MouseEvent| choose.emit(Rc::clone(&row)))
        };
        let cut: String = row.text.chars().take(300).collect();
        html! {
            <li key={row.id} data-testid="frame" data-seq={row.seq.to_string()} data-kind={row.kind}>
                <button type="button" class="frame" aria-pressed={(props.chosen == Some(row.id)).to_string()} {onclick}>
                    { wire_mark(row.wire) }
                    <span class="frame-seq">{ if row.seq > 0 { row.seq.to_string() } else { "–".to_owned() } }</span>
                    if row.kind == "event" {
                        <span class="frame-topic">{ &*row.topic }</span>
                    } else {
                        <span class="frame-topic"><span class={classes!("tag", (row.kind == "reset").then_some("warn"))}>{ row.kind }</span>{ " " }{ &*row.topic }</span>
                    }
                    <span class="frame-data">{ cut }</span>
                </button>
            </li>
        }
    };
    html! {
        <div class="frames-scroll" tabindex="0" role="region" aria-label="Frames, newest first" data-testid="frames" onscroll={props.onscroll.clone()}>
            <ol ref={body} class="frames">{ for props.rows[range].iter().map(row) }</ol>
        </div>
    }
}

fn detail(row: &Rc<Row>, say: &Say) -> Html {
    let text = pretty(&row.text);
    let copied = text.clone();
    html! {
        <div class="frame-detail" data-testid="frame-detail">
            <div class="between">
                <dl class="facts">
                    <div><dt>{ "Topic" }</dt><dd class="mono">{ &*row.topic }</dd></div>
                    <div><dt>{ "Number" }</dt><dd class="mono">{ row.seq }</dd></div>
                    <div><dt>{ "Came by" }</dt><dd>{ row.wire.title() }</dd></div>
                    if let Some(at_us) = row.at_us {
                        <div><dt>{ "Appended" }</dt><dd title={format::iso(at_us as f64 / 1_000.0)}>{ format::time_of_day(at_us as f64 / 1_000.0) }</dd></div>
                    }
                    <div><dt>{ "Size" }</dt><dd>{ units::bytes(row.text.len() as f64) }</dd></div>
                </dl>
                { copy_button(say, "Copy the data", Callback::from(move |()| copied.clone())) }
            </div>
            <pre tabindex="0" aria-label="The frame's data">{ text }</pre>
        </div>
    }
}
