//! The bar at the top of each page: name, pages, wire switch, connection, theme. Same boxes as in `index.html`, so that
//! nothing moves when the app takes over.

use yew::prelude::*;

use super::{logo, use_connection, use_theme_switch, use_trouble_bar, use_wire_switch};
use crate::router::{Go, Route};

/// The bar, on the page of route `here`. Its parts are hooks and not components: there is one of each.
#[hook]
pub fn use_header(here: Route, go: &Go) -> Html {
    let (switch, connection, theme, trouble) =
        (use_wire_switch(), use_connection(), use_theme_switch(), use_trouble_bar());
    let page = |(route, words): (Route, &'static str)| {
        let current = (here.section() == route).then_some(if here == route { "page" } else { "true" });
        html! { <li key={words}>{ link(go, route, "", current, html! { { words } }) }</li> }
    };
    html! {
        <header class="top">
            <div class="top-inner">
                { link(go, Route::Dashboard, "brand", None, html! { <>{ logo() }<span>{ "Fourwire" }</span></> }) }
                <nav class="nav" aria-label="Pages"><ul>{ for Route::NAV.map(page) }</ul></nav>
                <div class="top-switch">{ switch }</div>
                <div class="top-state">{ connection }</div>
                { theme }
            </div>
            { trouble }
        </header>
    }
}

/// A link within the app. The router's own has no `aria-current`. With a modifier it is the browser's.
pub fn link(go: &Go, route: Route, class: &'static str, current: Option<&'static str>, inside: Html) -> Html {
    let go = go.clone();
    let onclick = Callback::from(move |event: MouseEvent| {
        if !(event.meta_key() || event.ctrl_key() || event.shift_key() || event.alt_key()) {
            event.prevent_default();
            go.emit(route);
        }
    });
    html! { <a href={route.path()} {class} aria-current={current} {onclick}>{ inside }</a> }
}
