//! Times as people in this place write them. `Intl` knows how; its formatters are costly to make and made once.
//! Numbers with units are the charts' own (`charts::units`).

use js_sys::{Date, Function, Intl::DateTimeFormat, Object, Reflect};
use wasm_bindgen::JsValue;

thread_local! {
    static CLOCK: Function = clock();
}

fn clock() -> Function {
    let options = Object::new();
    for (name, value) in
        [("hour", "2-digit"), ("minute", "2-digit"), ("second", "2-digit"), ("hourCycle", "h23")]
    {
        let _ = Reflect::set(&options, &name.into(), &value.into());
    }
    DateTimeFormat::new(&js_sys::Array::new(), &options).format()
}

/// `14:03:22`: an instant in ms since the Unix epoch, in the user's time zone.
pub fn time_of_day(at_ms: f64) -> String {
    CLOCK
        .with(|clock| clock.call1(&JsValue::UNDEFINED, &Date::new(&at_ms.into())))
        .ok()
        .and_then(|text| text.as_string())
        .unwrap_or_default()
}

/// `2026-05-01T12:03:22.120Z`, for titles and exports.
pub fn iso(at_ms: f64) -> String {
    Date::new(&at_ms.into()).to_iso_string().into()
}
