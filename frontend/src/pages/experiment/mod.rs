//! The page.

use yew::prelude::*;

/// The page.
#[component]
pub fn Experiment() -> Html {
    html! { <section class="page"><h1>{ "Experiment" }</h1></section> }
}
