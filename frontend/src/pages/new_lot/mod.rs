//! The page.

use yew::prelude::*;

use super::PageProps;

/// The page.
#[component]
pub fn NewLot(PageProps { go: _ }: &PageProps) -> Html {
    html! { <section class="page"><h1>{ "New lot" }</h1></section> }
}
