//! Compare: the four wires beside each other on one topic.

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
