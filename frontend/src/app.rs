//! The shell: header, page, foot, and what all pages share.

use yew::prelude::*;

use crate::{
    bundle::Bundle,
    choice,
    components::{LedgerPanel, Say, use_header, use_voice},
    live::{Live, use_live},
    router::use_router,
};

/// What the app is made of.
#[derive(Clone, Copy, PartialEq, Properties)]
pub struct AppProps {
    /// The pages of this program.
    pub bundle: &'static Bundle,
}

/// The whole app: the page's session and the page's voice, for all that is inside.
#[component]
pub fn App(&AppProps { bundle }: &AppProps) -> Html {
    let live = use_memo((), |()| Live::start(choice::remembered().0));
    let (say, said) = use_voice(&live);
    html! {
        <ContextProvider<Live> context={(*live).clone()}>
            <ContextProvider<Say> context={say}>
                <Shell {bundle} />
                { said }
            </ContextProvider<Say>>
        </ContextProvider<Live>>
    }
}

#[component]
fn Shell(&AppProps { bundle }: &AppProps) -> Html {
    let (route, go) = use_router(bundle);
    let header = use_header(route, &go);
    let live = use_live();
    use_effect_with(route, move |route| {
        // A link within the app has no query: the choice goes along.
        choice::write_address(live.driver().preference());
        crate::document().set_title(route.title());
        if let Some(html) = crate::document().document_element() {
            let _ = html.set_attribute("data-page", route.name());
        }
    });
    html! {
        <>
            { header }
            <main id="main" tabindex="-1">{ (bundle.page)(route, &go) }</main>
            <LedgerPanel />
        </>
    }
}
