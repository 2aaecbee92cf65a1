//! The ledger at the page's foot: what each wire brought, cost and lost in this page's session.

use fourwire_shared::{
    Wire,
    session::{Ledger, Line, Totals, WireLedger},
};
use yew::prelude::*;

use super::{Icon, copy_button, use_say, wire_mark};
use crate::{
    charts::units,
    choice,
    live::{Live, use_live, use_session},
};

/// How often the open panel is brought up to date, in ms.
const EVERY_MS: u32 = 500;

fn totals(live: &Live) -> Totals {
    live.driver().with(|session| session.ledger().totals())
}

/// The panel.
#[component]
pub fn LedgerPanel() -> Html {
    let totals = use_session(EVERY_MS, totals);
    let open = use_state_eq(|| false);
    let toggle = {
        let open = open.clone();
        Callback::from(move |_: MouseEvent| open.set(!*open))
    };
    html! {
        <footer class="ledger" data-testid="ledger">
            <div class="ledger-inner">
                <div class="ledger-head">
                    <button type="button" class="ledger-toggle" aria-expanded={open.to_string()} aria-controls="ledger-body"
                        data-testid="ledger-toggle" onclick={toggle}>
                        { Icon::Chevron.view() }{ "Ledger" }
                    </button>
                    <div class="ledger-totals">
                        { figure("events", "ledger-events", totals.events, false) }
                        { figure("gaps", "ledger-gaps", totals.gaps, totals.gaps > totals.healed) }
                        { figure("applied twice", "ledger-duplicates", totals.duplicates, totals.duplicates > 0) }
                        { figure("out of order", "ledger-reorders", totals.disorders, totals.disorders > 0) }
                        { figure("resets", "ledger-resets", totals.resets, false) }
                        { figure("duplicates dropped", "ledger-dropped", totals.dropped, false) }
                        { figure("reconnects", "ledger-reconnects", totals.reconnects, false) }
                    </div>
                </div>
                <div id="ledger-body" hidden={!*open}>
                    if *open { <Body /> }
                </div>
            </div>
        </footer>
    }
}

/// All figures, for other programs.
fn figures(live: &Live) -> String {
    live.driver().with(|session| serde_json::to_string(session.ledger()).unwrap_or_default())
}

fn figure(words: &'static str, testid: &'static str, value: u64, wrong: bool) -> Html {
    html! {
        <span class={classes!(wrong.then_some("wrong"))} data-testid={testid} data-value={value.to_string()}>
            <b>{ count(value) }</b>{ format!(" {words}") }
        </span>
    }
}

fn count(value: u64) -> String {
    units::count(i64::try_from(value).unwrap_or(i64::MAX))
}

/// What the open panel shows. Bytes stand for change: a ledger that differs differs there.
#[derive(Clone)]
struct View {
    ledger: Ledger,
    why_wire: String,
    origin_ms: f64,
}

impl PartialEq for View {
    fn eq(&self, other: &Self) -> bool {
        let sizes = |view: &Self| {
            Wire::ALL.map(|wire| (view.ledger.wire(wire).bytes, view.ledger.wire(wire).requests))
        };
        sizes(self) == sizes(other)
            && self.why_wire == other.why_wire
            && self.ledger.lines().last() == other.ledger.lines().last()
    }
}

fn view(live: &Live) -> View {
    let driver = live.driver();
    let why_wire = driver.with(|session| session.why_auto());
    View { ledger: driver.ledger(), why_wire, origin_ms: js_sys::Date::now() - crate::wire::now_ms() }
}

#[component]
fn Body() -> Html {
    let (live, say) = (use_live(), use_say());
    let view = use_session(EVERY_MS, view);
    let keys = use_state_eq(choice::keys_enabled);
    let onkeys = {
        let keys = keys.clone();
        Callback::from(move |_: Event| {
            choice::enable_keys(!*keys);
            keys.set(!*keys);
        })
    };
    let origin_ms = view.origin_ms;
    let clock = live.clock().offset().map_or_else(
        || "The server's clock is not known yet.".to_owned(),
        |offset| format!("Latencies are known to ± {}.", units::millis(offset.error_ms)),
    );
    html! {
        <div class="ledger-body">
            <div class="scroll" tabindex="0" role="region" aria-label="Counters by wire">
                <table>
                    <thead><tr>
                        <th scope="col">{ "Wire" }</th>
                        { for COLUMNS.iter().map(|(head, about, _)| html! { <th scope="col" class="num" title={*about} key={*head}>{ *head }</th> }) }
                    </tr></thead>
                    <tbody>{ for Wire::ALL.map(|wire| row(wire, view.ledger.wire(wire))) }</tbody>
                </table>
            </div>
            if view.ledger.lines().len() > 0 {
                <ul class="ledger-lines" tabindex="0" aria-label="Notable lines, newest first">
                    { for view.ledger.lines().rev().map(|line| noted(line, origin_ms)) }
                </ul>
            }
            <div class="between">
                <label class="check">
                    <input type="checkbox" checked={*keys} onchange={onkeys} />
                    <span>{ "Keys " }<kbd>{ "1" }</kbd>{ "–" }<kbd>{ "4" }</kbd>{ " and " }<kbd>{ "A" }</kbd>{ " choose the wire" }</span>
                </label>
                <span class="hint" data-testid="ledger-why">{ &view.why_wire }</span>
                <span class="hint">{ clock }</span>
                { copy_button(&say, "Copy as JSON", Callback::from(move |()| figures(&live))) }
            </div>
        </div>
    }
}

type Column = (&'static str, &'static str, fn(&WireLedger) -> String);

const COLUMNS: [Column; 11] = [
    ("Events", "Events applied from this wire", |w| count(w.events)),
    ("Snapshots", "Full states applied", |w| count(w.snapshots)),
    ("Gaps", "Times the chain showed that something was missing", |w| count(w.gaps)),
    ("Dropped", "Frames that were already covered: normal during a switch", |w| count(w.duplicates)),
    ("Reorders", "Events out of log order on one connection", |w| count(w.reorders)),
    ("Resets", "Times history was gone and the page was told", |w| count(w.resets)),
    ("Reconnects", "Connections lost and made again", |w| count(w.reconnects)),
    ("Requests", "HTTP requests sent, the opening of a stream included", |w| count(w.requests)),
    ("Not modified", "Polls answered with 304", |w| count(w.not_modified)),
    ("Received", "Bytes of payload, counted in this browser", |w| units::bytes(w.bytes as f64)),
    ("Latency p50 / p99", "From the server's append to arrival here", |w| {
        let at = |percent| w.latency.percentile(percent).map(|us| units::millis(us as f64 / 1_000.0));
        match (at(50.0), at(99.0)) {
            (Some(half), Some(most)) => format!("{half} / {most}"),
            _ => "–".to_owned(),
        }
    }),
];

fn row(wire: Wire, ledger: &WireLedger) -> Html {
    html! {
        <tr key={wire.as_str()} data-wire={wire.as_str()}>
            <th scope="row"><span class="row nowrap">{ wire_mark(wire) }{ wire.title() }</span></th>
            { for COLUMNS.iter().map(|(head, _, cell)| html! { <td class="num" key={*head}>{ cell(ledger) }</td> }) }
        </tr>
    }
}

fn noted(line: &Line, origin_ms: f64) -> Html {
    let time = crate::format::time_of_day(origin_ms + line.at as f64);
    html! { <li key={format!("{}{}", line.at, line.text)}><time>{ time }</time><span>{ &line.text }</span></li> }
}
