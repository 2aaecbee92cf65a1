//! Which pages are one program.
//!
//! The app is two WebAssembly programs of this crate, so that a visitor loads no more than a page needs: each has its own
//! budget of bytes over the wire. A link to a page of the other program is a plain link. What a program does not name, the
//! linker drops, so each names its own pages and no others.

use yew::prelude::*;

use crate::{
    pages::{Auctions, Compare, Console, Dashboard, Experiment, Lot, NewLot, Wallet, not_found},
    router::{Go, Route},
};

/// The pages of one program.
#[derive(Debug)]
pub struct Bundle {
    /// Whether a page is in it. The page of no address is in each.
    pub has: fn(Route) -> bool,
    /// A page that is in it.
    pub page: fn(Route, &Go) -> Html,
}

impl PartialEq for Bundle {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

/// Dashboard, compare and console.
pub static WIRES: Bundle = Bundle { has: |route| !route.is_of_the_house(), page: wires };

/// The auction house and its experiments.
pub static HOUSE: Bundle =
    Bundle { has: |route| route.is_of_the_house() || route == Route::NotFound, page: house };

/// Everything.
pub static WHOLE: Bundle = Bundle {
    has: |_| true,
    page: |route, go| if route.is_of_the_house() { house(route, go) } else { wires(route, go) },
};

fn wires(route: Route, go: &Go) -> Html {
    match route {
        Route::Dashboard => html! { <Dashboard /> },
        Route::Compare => html! { <Compare /> },
        Route::Console => html! { <Console /> },
        _ => not_found(go),
    }
}

fn house(route: Route, go: &Go) -> Html {
    match route {
        Route::Auctions => html! { <Auctions go={go.clone()} /> },
        Route::Lot(id) => html! { <Lot key={id.get()} {id} go={go.clone()} /> },
        Route::NewLot => html! { <NewLot go={go.clone()} /> },
        Route::Wallet => html! { <Wallet go={go.clone()} /> },
        Route::Experiment => html! { <Experiment /> },
        _ => not_found(go),
    }
}
