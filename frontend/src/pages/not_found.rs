//! The page for addresses that the app does not have.

use yew::prelude::*;

use crate::{
    components::link,
    router::{Go, Route},
};

/// The page.
pub fn not_found(go: &Go) -> Html {
    html! {
        <section class="page empty-page">
            <p class="empty-code" aria-hidden="true">{ "404" }</p>
            <h1>{ "There is no page at this address" }</h1>
            <p class="muted">{ "The link may be old, or mistyped." }</p>
            <p>{ link(go, Route::Dashboard, "button primary", None, html! { { "Open the dashboard" } }) }</p>
        </section>
    }
}
