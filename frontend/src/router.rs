//! The app's addresses. Some pages need a table and two events of the browser, not a crate.

use std::str::FromStr;

use fourwire_shared::{auction::AuctionId, job::JobId};
use gloo::events::EventListener;
use wasm_bindgen::JsValue;
use yew::prelude::*;

use crate::bundle::Bundle;

/// Every page. The server answers each of these paths with the program that has the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// This machine and this server, live.
    Dashboard,
    /// Four wires beside each other.
    Compare,
    /// Topics: list, read, publish.
    Console,
    /// The lots of the auction house.
    Auctions,
    /// One lot, and bidding for it.
    Lot(AuctionId),
    /// Putting something up.
    NewLot,
    /// The visitor's money.
    Wallet,
    /// Jobs and queues.
    Jobs,
    /// One job.
    Job(JobId),
    /// Contention, tried out.
    Experiment,
    /// Anything else.
    NotFound,
}

impl Route {
    /// The pages of the navigation, with the words on their links.
    pub const NAV: [(Self, &str); 6] = [
        (Self::Dashboard, "Dashboard"),
        (Self::Compare, "Compare"),
        (Self::Console, "Console"),
        (Self::Auctions, "Auctions"),
        (Self::Jobs, "Jobs"),
        (Self::Experiment, "Experiment"),
    ];

    /// The page at a path. A slash at its end makes no difference.
    pub fn at(path: &str) -> Self {
        match path.trim_end_matches('/') {
            "" => Self::Dashboard,
            "/compare" => Self::Compare,
            "/console" => Self::Console,
            "/auctions" => Self::Auctions,
            "/auctions/new" => Self::NewLot,
            "/wallet" => Self::Wallet,
            "/jobs" => Self::Jobs,
            "/experiment" => Self::Experiment,
            path => {
                let lot = path.strip_prefix("/auctions/").and_then(number).map(AuctionId::new).map(Self::Lot);
                let job = path.strip_prefix("/jobs/").and_then(number).map(JobId::new).map(Self::Job);
                lot.or(job).unwrap_or(Self::NotFound)
            }
        }
    }

    /// The page's path.
    pub fn path(self) -> AttrValue {
        AttrValue::Static(match self {
            Self::Dashboard => "/",
            Self::Compare => "/compare",
            Self::Console => "/console",
            Self::Auctions => "/auctions",
            Self::NewLot => "/auctions/new",
            Self::Wallet => "/wallet",
            Self::Jobs => "/jobs",
            Self::Experiment => "/experiment",
            Self::NotFound => "/404",
            Self::Lot(id) => return format!("/auctions/{id}").into(),
            Self::Job(id) => return format!("/jobs/{id}").into(),
        })
    }

    /// The window's title on this page.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Dashboard => "Dashboard · Fourwire",
            Self::Compare => "Compare · Fourwire",
            Self::Console => "Console · Fourwire",
            Self::Auctions => "Auctions · Fourwire",
            Self::Lot(_) => "Lot · Fourwire",
            Self::NewLot => "New lot · Fourwire",
            Self::Wallet => "Wallet · Fourwire",
            Self::Jobs => "Jobs · Fourwire",
            Self::Job(_) => "Job · Fourwire",
            Self::Experiment => "Experiment · Fourwire",
            Self::NotFound => "Not found · Fourwire",
        }
    }

    /// The page's name, for style sheets.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dashboard => "dashboard",
            Self::Compare => "compare",
            Self::Console => "console",
            Self::Auctions => "auctions",
            Self::Lot(_) => "lot",
            Self::NewLot => "new-lot",
            Self::Wallet => "wallet",
            Self::Jobs => "jobs",
            Self::Job(_) => "job",
            Self::Experiment => "experiment",
            Self::NotFound => "not-found",
        }
    }

    /// The page of the navigation that this page belongs to.
    pub const fn section(self) -> Self {
        match self {
            Self::Lot(_) | Self::NewLot | Self::Wallet => Self::Auctions,
            Self::Job(_) => Self::Jobs,
            page => page,
        }
    }

    /// The program that has the page; the page of no address is in each.
    pub const fn program(self) -> Option<Program> {
        match self.section() {
            Self::Auctions => Some(Program::House),
            Self::Jobs => Some(Program::Jobs),
            Self::Experiment => Some(Program::Experiment),
            Self::NotFound => None,
            _ => Some(Program::Wires),
        }
    }

    fn here() -> Self {
        Self::at(&crate::window().location().pathname().unwrap_or_default())
    }
}

/// The programs that the app is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// Dashboard, compare and console.
    Wires,
    /// The auction house.
    House,
    /// Jobs.
    Jobs,
    /// Experiments.
    Experiment,
}

/// A number in its one spelling.
fn number<T: FromStr + ToString>(text: &str) -> Option<T> {
    text.parse().ok().filter(|number: &T| number.to_string() == text)
}

/// Goes to a page.
pub type Go = Callback<Route>;

/// The page that the address names, and how to go to another. Back and forward are the browser's, and so is the way to a
/// page that this program does not have.
#[hook]
pub fn use_router(bundle: &'static Bundle) -> (Route, Go) {
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
        if !bundle.has(to) {
            let _ = crate::window().location().assign(&to.path());
            return;
        }
        if let Ok(history) = crate::window().history() {
            let _ = history.push_state_with_url(&JsValue::NULL, "", Some(&to.path()));
        }
        crate::window().scroll_to_with_x_and_y(0.0, 0.0);
        setter.set(to);
    });
    (*route, go)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_page_is_at_its_path_and_nothing_else_is() {
        let others =
            [Route::NewLot, Route::Wallet, Route::Lot(AuctionId::new(42)), Route::Job(JobId::new(1 << 40))];
        for route in Route::NAV.map(|(route, _)| route).into_iter().chain(others) {
            assert_eq!(Route::at(&route.path()), route);
            assert_eq!(Route::at(&format!("{}/", route.path())), route);
        }
        for path in [
            "/404",
            "/jobs/07",
            "/jobs/-1",
            "/comparison",
            "/Console",
            "/compare/x",
            "/auctions/042",
            "/auctions/x",
            "/auctions/1/2",
        ] {
            assert_eq!(Route::at(path), Route::NotFound, "{path}");
        }
    }

    #[test]
    fn each_page_is_in_one_program_and_the_missing_one_in_all() {
        use crate::bundle::{EXPERIMENT, HOUSE, JOBS, WHOLE, WIRES};
        let parts = [&WIRES, &HOUSE, &JOBS, &EXPERIMENT];
        for (route, _) in Route::NAV {
            assert_eq!(parts.iter().filter(|bundle| bundle.has(route)).count(), 1, "{route:?}");
            assert!(WHOLE.has(route));
        }
        assert!(parts.iter().all(|bundle| bundle.has(Route::NotFound)));
    }
}
