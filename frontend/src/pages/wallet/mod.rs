//! The page.

use yew::prelude::*;

use super::PageProps;

/// The page.
#[component]
pub fn Wallet(PageProps { go: _ }: &PageProps) -> Html {
    html! { <section class="page"><h1>{ "Wallet" }</h1></section> }
}
