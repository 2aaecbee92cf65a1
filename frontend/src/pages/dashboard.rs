//! Dashboard: this machine and this server, live.

use yew::prelude::*;

/// The page.
#[component]
pub fn Dashboard() -> Html {
    html! {
        <section class="page">
            <header class="page-head"><h1>{ "Dashboard" }</h1></header>
        </section>
    }
}
