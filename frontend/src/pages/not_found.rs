//! The page for addresses that the app does not have.

use yew::prelude::*;
use yew_router::prelude::*;

use crate::router::Route;

/// The page.
#[component]
pub fn NotFound() -> Html {
    html! {
        <section class="page empty-page">
            <p class="empty-code" aria-hidden="true">{ "404" }</p>
            <h1>{ "There is no page at this address" }</h1>
            <p class="muted">{ "The link may be old, or mistyped." }</p>
            <p><Link<Route> to={Route::Dashboard} classes="button primary">{ "Open the dashboard" }</Link<Route>></p>
        </section>
    }
}
