//! The Fourwire app: a dashboard, a comparison, a console, an auction house and jobs over one ordered topic log, read on any of
//! four wires.
//!
//! Who owns what: [`wire`] speaks to the server (four transports under the shared sans-IO session), [`live`] is the
//! page's one session and hands frames to components, [`pages`] and [`components`] render, [`mod@format`] turns numbers
//! into words. Frames are applied the moment they arrive; a component renders at most once per animation frame.
//!
//! ## Hooks for tests
//! The end-to-end tests hold on to these and to nothing else:
//!
//! | Selector | Meaning |
//! |---|---|
//! | `html[data-app="ready"]` | the app has mounted |
//! | `[data-testid=connection]` | state in words; `data-state` = `connecting`, `catching-up`, `live`, `switching`, `reconnecting`, `offline`, `paused`, `idle`, `ended`, `failed`; `data-wire` = wire in use |
//! | `[data-wire-option=poll…ws, auto]` | the switch's radios, `aria-checked` tells the choice |
//! | `[data-testid=ledger]` | the ledger panel; `[data-testid=ledger-toggle]` opens it, `ledger-why` says why this wire is used |
//! | `[data-testid=ledger-gaps]`, `ledger-duplicates`, `ledger-resets`, `ledger-reorders`, `ledger-events`, `ledger-reconnects` | totals over all wires, as plain digits in `data-value` |
//! | `[data-testid=cpu-now]`, `memory-now`, `load-now`, `events-now`, `rss-now` | current values of the dashboard; `data-at` = the sample's time in µs |
//! | `[data-testid=pause]` | pauses the page's view |
//! | `[data-testid=pulse]` | the console's line on the server, once it is known |
//! | `[data-testid=topics]`, `topic-row` (`data-topic`), `frames`, `frame` (`data-seq`), `publish-form`, `problem` | the console |
//! | `[data-testid=compare-start]`, `compare-stop`, `compare-run-60`, `compare-cut-all`, `compare-export-json`, `compare-export-csv`, `compare-problem`, `compare-verdict` (`data-advice`) | Compare; `.compare[data-phase]` = `idle`, `starting`, `running`, `stopped`, `failed` |
//! | `[data-testid=compare-lane-poll]`, `-long-poll`, `-sse`, `-ws` (`data-state`, `data-wire`) with `lane-p50`, `lane-events`, `lane-gaps`, `lane-duplicates`, `lane-reconnects`, `lane-resets` (`data-value`) and `lane-pause`, `lane-cut`, `lane-wire` | its lanes |
//! | `[data-testid=lots]`, `lots-empty`, `lot-card` (`data-lot`, `data-state`), `simulate` (`data-on`), `account` | the list of lots |
//! | `[data-testid=lot-phase]` (`data-phase`), `lot-price` (`data-minor`), `lot-leader`, `lot-bids`, `lot-left`, `position` (`data-position` = `none`, `seller`, `leading`, `outbid`, `won`, `lost`), `bid-row` (`data-seq`, `data-mine`) | one lot |
//! | `[data-testid=bid-form]`, `bid-amount`, `bid-max`, `bid-guard`, `bid-send`, `bid-buy`, `bid-outcome` (`data-outcome` = `sent`, `leading`, `outbid`, `refused`, `lost`), `bid-again` | bidding |
//! | `[data-testid=join-open]`, `join-form`, `join-name`, `join-send`, `leave`, `wallet-available`, `wallet-held` (`data-minor`), `entries`, `entry` (`data-kind`), `lot-form`, `lot-send` | who the visitor is, her money, what she puts up |
//! | `[data-testid=wish-form]`, `experiment-start`, `experiment-cancel`, `experiment` (`data-state` = `running`, `done`, `failed`, `cancelled`; `data-done`), `experiment-doing`, `experiment-result`, `experiment-sentence`, `experiment-verdict` (`data-sound`), `experiment-table`, `scenario-last-ticket`, `-hotel-night`, `-bank-balance`, `outcome` (`data-naive`, `data-broken`) | experiments |
//! | `[data-testid=queue]` (`data-queue`, `data-paused`, `data-waiting`, `data-running`), `queue-pause`, `jobs`, `jobs-empty`, `job-row` (`data-job`, `data-state`), `jobs-cancel`, `jobs-retry`, `job-new`, `job-form`, `file-field` (`data-state` = `none`, `going`, `sent`, `failed`), `job-send` | jobs |
//! | `[data-testid=job]` (`data-job`, `data-state`, `data-attempt`), `job-state` (`data-state`), `job-done` (`data-value`), `job-message`, `job-error`, `job-log`, `job-input`, `attempt` (`data-number`, `data-outcome`), `job-result`, `job-preview`, `job-download`, `job-cancel`, `job-retry`, `job-delete` | one job |

pub mod address;
pub mod api;
pub mod app;
pub mod bundle;
pub mod charts;
pub mod choice;
pub mod components;
mod fetch;
pub mod format;
pub mod house;
pub mod jobs;
mod json;
pub mod live;
pub mod pace;
pub mod pages;
pub mod panic;
pub mod router;
pub mod storage;
pub mod theme;
pub mod time;
pub mod wire;

/// Mounts the app in place of the static shell of `index.html`, with the pages of this program.
pub fn start(bundle: &'static bundle::Bundle) {
    panic::install();
    let Some(root) = document().get_element_by_id("app") else { return };
    yew::Renderer::<app::App>::with_root_and_props(root, app::AppProps { bundle }).render();
    if let Some(html) = document().document_element() {
        let _ = html.set_attribute("data-app", "ready");
    }
}

pub(crate) fn window() -> web_sys::Window {
    web_sys::window().expect("the app runs in a window, never in a worker")
}

pub(crate) fn document() -> web_sys::Document {
    window().document().expect("a window has a document")
}
