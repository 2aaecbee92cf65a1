//! Compare: the four wires beside each other on one topic, measured in this browser.
//!
//! Pure and tested natively: `settings` (and the permalink), `clock`, `board` (what was measured), `summary`,
//! `verdict`, `cost`, `export`.

pub mod board;
pub mod clock;
pub mod cost;
pub mod export;
pub mod look;
pub mod plots;
pub mod rain;
pub mod rain_layout;
pub mod run;
pub mod settings;
pub mod summary;
pub mod verdict;

use yew::prelude::*;

/// The page.
#[component]
pub fn Compare() -> Html {
    html! {
        <section class="page">
            <header class="page-head"><h1>{ "Compare" }</h1></header>
        </section>
    }
}
