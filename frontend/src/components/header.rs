//! The bar at the top of each page: name, pages, wire switch, connection, theme. Same boxes as in `index.html`, so that
//! nothing moves when the app takes over.

use yew::prelude::*;
use yew_router::prelude::*;

use super::{Connection, ThemeSwitch, TroubleBar, WireSwitch, logo};
use crate::router::Route;

/// The bar, on the page of route `here`.
pub fn header(here: Route, navigator: &Navigator) -> Html {
    let page = |(route, words): (Route, &'static str)| {
        let current = (here == route).then_some("page");
        html! { <li key={words}>{ link(navigator, route, "", current, html! { { words } }) }</li> }
    };
    html! {
        <header class="top">
            <div class="top-inner">
                { link(navigator, Route::Dashboard, "brand", None, html! { <>{ logo() }<span>{ "Fourwire" }</span></> }) }
                <nav class="nav" aria-label="Pages"><ul>{ for Route::NAV.map(page) }</ul></nav>
                <div class="top-switch"><WireSwitch /></div>
                <div class="top-state"><Connection /></div>
                <ThemeSwitch />
            </div>
            <TroubleBar />
        </header>
    }
}

/// A link within the app. The router's own has no `aria-current`. With a modifier it is the browser's.
pub fn link(
    navigator: &Navigator,
    route: Route,
    class: &'static str,
    current: Option<&'static str>,
    inside: Html,
) -> Html {
    let navigator = navigator.clone();
    let onclick = Callback::from(move |event: MouseEvent| {
        if !(event.meta_key() || event.ctrl_key() || event.shift_key() || event.alt_key()) {
            event.prevent_default();
            navigator.push(&route);
        }
    });
    html! { <a href={route.to_path()} {class} aria-current={current} {onclick}>{ inside }</a> }
}
