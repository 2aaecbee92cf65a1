//! Which pages are one program.
//!
//! The app is four WebAssembly programs of this crate, so that a visitor loads no more than a page needs: each has its own
//! budget of bytes over the wire. A link to a page of another program is a plain link. What a program does not name, the
//! linker drops, so each names its own pages and no others.

use yew::prelude::*;

use crate::{
    pages::{Auctions, Compare, Console, Dashboard, Experiment, Job, Jobs, Lot, NewLot, Wallet, not_found},
    router::{Go, Program, Route},
};

/// The pages of one program.
#[derive(Debug)]
pub struct Bundle {
    /// Which program; none has all pages.
    program: Option<Program>,
    /// A page that is in it.
    pub(crate) page: fn(Route, &Go) -> Html,
}

impl Bundle {
    /// Whether a page is in it.
    pub fn has(&self, route: Route) -> bool {
        self.program.is_none_or(|own| route.program().is_none_or(|program| program == own))
    }
}

impl PartialEq for Bundle {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

/// Dashboard, compare and console.
pub static WIRES: Bundle = Bundle { program: Some(Program::Wires), page: wires };

/// The auction house.
pub static HOUSE: Bundle = Bundle { program: Some(Program::House), page: house };

/// Jobs.
pub static JOBS: Bundle = Bundle { program: Some(Program::Jobs), page: jobs };

/// Experiments.
pub static EXPERIMENT: Bundle = Bundle { program: Some(Program::Experiment), page: experiment };

/// Everything.
pub static WHOLE: Bundle = Bundle {
    program: None,
    page: |route, go| match route.program() {
        Some(Program::House) => house(route, go),
        Some(Program::Jobs) => jobs(route, go),
        Some(Program::Experiment) => experiment(route, go),
        _ => wires(route, go),
    },
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
        _ => not_found(go),
    }
}

fn jobs(route: Route, go: &Go) -> Html {
    match route {
        Route::Jobs => html! { <Jobs go={go.clone()} /> },
        Route::Job(id) => html! { <Job key={id.get()} {id} go={go.clone()} /> },
        _ => not_found(go),
    }
}

fn experiment(route: Route, go: &Go) -> Html {
    if route == Route::Experiment {
        html! { <Experiment /> }
    } else {
        not_found(go)
    }
}
