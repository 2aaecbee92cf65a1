//! Console: list, read and write topics.

use yew::prelude::*;

/// The page.
#[component]
pub fn Console() -> Html {
    html! {
        <section class="page">
            <header class="page-head"><h1>{ "Console" }</h1></header>
        </section>
    }
}
