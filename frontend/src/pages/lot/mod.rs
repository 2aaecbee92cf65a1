//! The page of one lot.

use fourwire_shared::auction::AuctionId;
use yew::prelude::*;

use crate::router::Go;

/// Which lot.
#[derive(Clone, PartialEq, Properties)]
pub struct LotProps {
    /// Its number.
    pub id: AuctionId,
    /// Goes to a page.
    pub go: Go,
}

/// The page.
#[component]
pub fn Lot(LotProps { id, go: _ }: &LotProps) -> Html {
    html! { <section class="page"><h1>{ format!("Lot {id}") }</h1></section> }
}
