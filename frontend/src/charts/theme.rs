//! Design tokens for canvas, read once and again when the theme changes; and what the user asked of motion.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{MutationObserver, MutationObserverInit};

#[derive(Default)]
struct Theme {
    version: Cell<u64>,
    watching: Cell<bool>,
    reduced_motion: Cell<bool>,
    forced_colors: Cell<bool>,
    printing: Cell<bool>,
    // A score of tokens: a list is found through as fast as a map.
    colors: RefCell<Vec<(&'static str, Rc<str>)>>,
}

thread_local! {
    static THEME: Theme = Theme::default();
}

/// Changes whenever colours may have changed: compare it with that of the last drawing.
pub fn version() -> u64 {
    THEME.with(|theme| {
        if !theme.watching.replace(true) {
            watch();
            refresh();
        }
        theme.version.get()
    })
}

/// The colour of a custom property, for example `--wire-sse`. With forced colours, the user's text colour.
pub fn color(token: &'static str) -> Rc<str> {
    version();
    THEME.with(|theme| {
        if theme.forced_colors.get() {
            return if token == "--bg" || token == "--surface" {
                "Canvas".into()
            } else {
                "CanvasText".into()
            };
        }
        let mut colors = theme.colors.borrow_mut();
        if let Some((_, color)) = colors.iter().find(|(name, _)| *name == token) {
            return color.clone();
        }
        let color = read(token);
        colors.push((token, color.clone()));
        color
    })
}

/// Whether the user wants less motion.
pub fn reduced_motion() -> bool {
    version();
    THEME.with(|theme| theme.reduced_motion.get())
}

/// Whether what is drawn now goes to paper, where nothing is out of sight.
pub fn is_printing() -> bool {
    THEME.with(|theme| theme.printing.get())
}

/// Draws for paper: `boot.js` has set its theme, but no animation frame will come before the page is printed.
pub(super) fn print(draw: impl FnOnce()) {
    refresh();
    THEME.with(|theme| theme.printing.set(true));
    draw();
    THEME.with(|theme| theme.printing.set(false));
}

fn read(token: &str) -> Rc<str> {
    let root = web_sys::window().and_then(|window| {
        let root = window.document()?.document_element()?;
        window.get_computed_style(&root).ok()?
    });
    let value = root.and_then(|style| style.get_property_value(token).ok()).unwrap_or_default();
    match value.trim() {
        "" => "gray".into(),
        value => value.into(),
    }
}

fn media(query: &str) -> bool {
    let list = web_sys::window().and_then(|window| window.match_media(query).ok().flatten());
    list.is_some_and(|list| list.matches())
}

fn refresh() {
    THEME.with(|theme| {
        theme.reduced_motion.set(media("(prefers-reduced-motion: reduce)"));
        theme.forced_colors.set(media("(forced-colors: active)"));
        theme.colors.borrow_mut().clear();
        theme.version.set(theme.version.get() + 1);
    });
}

/// Listens for the page's life: attributes of the root element (the theme switch) and the user's preferences.
/// The few callbacks are leaked on purpose, once.
fn watch() {
    let Some(window) = web_sys::window() else { return };
    let changed = Closure::<dyn FnMut()>::new(refresh).into_js_value();
    for query in [
        "(prefers-color-scheme: dark)",
        "(prefers-reduced-motion: reduce)",
        "(forced-colors: active)",
        "print",
    ] {
        if let Ok(Some(list)) = window.match_media(query) {
            let _ = list.add_event_listener_with_callback("change", changed.unchecked_ref());
            // A list that is collected tells nobody.
            std::mem::forget(list);
        }
    }
    let root = window.document().and_then(|document| document.document_element());
    if let (Some(root), Ok(observer)) = (root, MutationObserver::new(changed.unchecked_ref())) {
        let init = MutationObserverInit::new();
        init.set_attributes(true);
        let _ = observer.observe_with_options(&root, &init);
        std::mem::forget(observer);
    }
}
