//! The app's addresses. Three pages need a table and two events of the browser, not a crate.

use gloo::events::EventListener;
use wasm_bindgen::JsValue;
use yew::prelude::*;

use crate::pages::{Compare, Console, Dashboard, not_found};

/// Every page. The server answers each of these paths with the app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// This machine and this server, live.
    Dashboard,
    /// Four wires beside each other.
    Compare,
    /// Topics: list, read, publish.
    Console,
    /// Anything else.
    NotFound,
}

impl Route {
    /// The pages of the navigation, with the words on their links.
    pub const NAV: [(Self, &str); 3] =
        [(Self::Dashboard, "Dashboard"), (Self::Compare, "Compare"), (Self::Console, "Console")];

    /// The page at a path. A slash at its end makes no difference.
    pub fn at(path: &str) -> Self {
        match path.trim_end_matches('/') {
            "" => Self::Dashboard,
            "/compare" => Self::Compare,
            "/console" => Self::Console,
            _ => Self::NotFound,
        }
    }

    /// The page's path.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Dashboard => "/",
            Self::Compare => "/compare",
            Self::Console => "/console",
            Self::NotFound => "/404",
        }
    }

    /// The window's title on this page.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Dashboard => "Dashboard · Fourwire",
            Self::Compare => "Compare · Fourwire",
            Self::Console => "Console · Fourwire",
            Self::NotFound => "Not found · Fourwire",
        }
    }

    /// The page's name, for style sheets.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dashboard => "dashboard",
            Self::Compare => "compare",
            Self::Console => "console",
            Self::NotFound => "not-found",
        }
    }

    fn here() -> Self {
        Self::at(&crate::window().location().pathname().unwrap_or_default())
    }
}

/// Goes to a page.
pub type Go = Callback<Route>;

/// The page that the address names, and how to go to another. Back and forward are the browser's.
#[hook]
pub fn use_router() -> (Route, Go) {
    let route = use_state_eq(Route::here);
    {
        let setter = route.setter();
        use_effect_with((), move |()| {
            let back = EventListener::new(&crate::window(), "popstate", move |_| setter.set(Route::here()));
            move || drop(back)
        });
    }
    let setter = route.setter();
    let go = Callback::from(move |to: Route| {
        if let Ok(history) = crate::window().history() {
            let _ = history.push_state_with_url(&JsValue::NULL, "", Some(to.path()));
        }
        crate::window().scroll_to_with_x_and_y(0.0, 0.0);
        setter.set(to);
    });
    (*route, go)
}

/// The page of a route.
pub fn page(route: Route, go: &Go) -> Html {
    match route {
        Route::Dashboard => html! { <Dashboard /> },
        Route::Compare => html! { <Compare /> },
        Route::Console => html! { <Console /> },
        Route::NotFound => not_found(go),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_page_is_at_its_path_and_nothing_else_is() {
        for (route, _) in Route::NAV {
            assert_eq!(Route::at(route.path()), route);
            assert_eq!(Route::at(&format!("{}/", route.path())), route);
        }
        for path in ["/404", "/comparison", "/Console", "/compare/x"] {
            assert_eq!(Route::at(path), Route::NotFound, "{path}");
        }
    }
}
