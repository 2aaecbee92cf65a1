//! The shell: router, header, page, foot.

use yew::prelude::*;
use yew_router::prelude::*;

use crate::{
    components::Header,
    router::{self, Route},
};

/// The whole app.
#[component]
pub fn App() -> Html {
    html! {
        <BrowserRouter>
            <Shell />
        </BrowserRouter>
    }
}

#[component]
fn Shell() -> Html {
    let route = use_route::<Route>().unwrap_or(Route::NotFound);
    use_effect_with(route, |route| {
        crate::document().set_title(route.title());
        if let Some(html) = crate::document().document_element() {
            let _ = html.set_attribute("data-page", &format!("{route:?}").to_lowercase());
        }
    });
    html! {
        <>
            <Header />
            <main id="main" tabindex="-1">
                <Switch<Route> render={router::page} />
            </main>
        </>
    }
}
