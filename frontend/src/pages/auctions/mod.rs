//! The page.

use yew::prelude::*;

use super::PageProps;

/// The page.
#[component]
pub fn Auctions(PageProps { go: _ }: &PageProps) -> Html {
    html! { <section class="page"><h1>{ "Auctions" }</h1></section> }
}
