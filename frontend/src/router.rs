//! The app's addresses.

use yew::prelude::*;
use yew_router::prelude::*;

use crate::pages::{Compare, Console, Dashboard, not_found};

/// Every page. The server answers each of these paths with the app.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Routable)]
pub enum Route {
    /// This machine and this server, live.
    #[at("/")]
    Dashboard,
    /// Four wires beside each other.
    #[at("/compare")]
    Compare,
    /// Topics: list, read, publish.
    #[at("/console")]
    Console,
    /// Anything else.
    #[not_found]
    #[at("/404")]
    NotFound,
}

impl Route {
    /// The pages of the navigation, with the words on their links.
    pub const NAV: [(Self, &str); 3] =
        [(Self::Dashboard, "Dashboard"), (Self::Compare, "Compare"), (Self::Console, "Console")];

    /// The window's title on this page.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Dashboard => "Dashboard · Fourwire",
            Self::Compare => "Compare · Fourwire",
            Self::Console => "Console · Fourwire",
            Self::NotFound => "Not found · Fourwire",
        }
    }
}

/// The page of a route.
pub fn page(route: Route, navigator: &Navigator) -> Html {
    match route {
        Route::Dashboard => html! { <Dashboard /> },
        Route::Compare => html! { <Compare /> },
        Route::Console => html! { <Console /> },
        Route::NotFound => not_found(navigator),
    }
}
