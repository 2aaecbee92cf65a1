//! Parameters in the page's address: state that a link should carry. Changing one leaves no entry in the history.

use wasm_bindgen::JsValue;

/// The value of a parameter.
pub fn parameter(name: &str) -> Option<String> {
    let search = crate::window().location().search().ok()?;
    web_sys::UrlSearchParams::new_with_str(&search).ok()?.get(name)
}

/// Sets a parameter, or takes it away, beside whatever else is there.
pub fn set_parameter(name: &str, value: Option<&str>) {
    if parameter(name).as_deref() == value {
        return;
    }
    let window = crate::window();
    let Ok(href) = window.location().href() else { return };
    let (Ok(url), Ok(history)) = (web_sys::Url::new(&href), window.history()) else { return };
    match value {
        Some(value) => url.search_params().set(name, value),
        None => url.search_params().delete(name),
    }
    // Topics and wires need no escaping; commas read better as they are.
    let href = url.href().replace("%2C", ",");
    let state = history.state().unwrap_or(JsValue::NULL);
    let _ = history.replace_state_with_url(&state, "", Some(&href));
}
