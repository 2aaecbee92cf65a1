//! The bar at the top of each page: name, pages, wire switch, connection, theme. Same boxes as in `index.html`, so that
//! nothing moves when the app takes over.

use yew::prelude::*;
use yew_router::prelude::*;

use super::{Connection, Logo, ThemeSwitch, TroubleBar, WireSwitch};
use crate::router::Route;

/// The bar.
#[component]
pub fn Header() -> Html {
    let here = use_route::<Route>().unwrap_or(Route::NotFound);
    let link = |(route, words): (Route, &'static str)| {
        let current = (here == route).then_some("page");
        html! {
            <li key={words}>
                <NavLink {route} {words} current={current.map(AttrValue::from)} />
            </li>
        }
    };
    html! {
        <header class="top">
            <div class="top-inner">
                <Link<Route> to={Route::Dashboard} classes="brand"><Logo /><span>{ "Fourwire" }</span></Link<Route>>
                <nav class="nav" aria-label="Pages"><ul>{ for Route::NAV.map(link) }</ul></nav>
                <div class="top-switch"><WireSwitch /></div>
                <div class="top-state"><Connection /></div>
                <ThemeSwitch />
            </div>
            <TroubleBar />
        </header>
    }
}

#[derive(Properties, PartialEq)]
struct NavLinkProps {
    route: Route,
    words: &'static str,
    current: Option<AttrValue>,
}

/// A link of the navigation. The router's own `Link` has no `aria-current`.
#[component]
fn NavLink(props: &NavLinkProps) -> Html {
    let navigator = use_navigator();
    let route = props.route;
    let onclick = Callback::from(move |event: MouseEvent| {
        let plain = !(event.meta_key() || event.ctrl_key() || event.shift_key() || event.alt_key());
        if let (true, Some(navigator)) = (plain, &navigator) {
            event.prevent_default();
            navigator.push(&route);
        }
    });
    html! {
        <a href={props.route.to_path()} aria-current={props.current.clone()} {onclick}>{ props.words }</a>
    }
}
