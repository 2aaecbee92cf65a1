//! The shell: router, header, page, foot.

use yew::prelude::*;
use yew_router::prelude::*;

use crate::{
    choice,
    components::{LedgerPanel, Voice, header},
    live::{Live, use_live},
    router::{self, Route},
};

/// The whole app.
#[component]
pub fn App() -> Html {
    let live = use_memo((), |()| Live::start(choice::remembered().0));
    html! {
        <BrowserRouter>
            <ContextProvider<Live> context={(*live).clone()}>
                <Voice><Shell /></Voice>
            </ContextProvider<Live>>
        </BrowserRouter>
    }
}

#[component]
fn Shell() -> Html {
    let route = use_route::<Route>().unwrap_or(Route::NotFound);
    let live = use_live();
    let navigator = use_navigator().expect("the shell is inside the router");
    use_effect_with(route, move |route| {
        // A link within the app has no query: the choice goes along.
        choice::write_address(live.driver().preference());
        crate::document().set_title(route.title());
        if let Some(html) = crate::document().document_element() {
            let _ = html.set_attribute("data-page", &format!("{route:?}").to_lowercase());
        }
    });
    html! {
        <>
            { header(route, &navigator) }
            <main id="main" tabindex="-1">
                { router::page(route, &navigator) }
            </main>
            <LedgerPanel />
        </>
    }
}
