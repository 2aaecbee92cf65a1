//! The last resort: a panic leaves the app's state undefined, so the page says that it broke and offers a reload.
//! Made without Yew, which cannot be trusted any more.

use std::panic::PanicHookInfo;

/// Installs the hook. Yew keeps an existing hook.
pub fn install() {
    std::panic::set_hook(Box::new(|info| {
        web_sys::console::error_1(&describe(info).into());
        show_overlay();
    }));
}

fn describe(info: &PanicHookInfo<'_>) -> String {
    format!("fourwire: {info}")
}

/// Uncovers the overlay that `index.html` brought along: nothing needs to be created, so nothing can fail.
fn show_overlay() {
    let overlay = web_sys::window().and_then(|w| w.document()).and_then(|d| d.get_element_by_id("broken"));
    if let Some(overlay) = overlay {
        let _ = overlay.remove_attribute("hidden");
    }
}
