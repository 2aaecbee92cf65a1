//! Sending a file, with a word on how far it is: `fetch` does not tell that of what goes out.

use fourwire_shared::{
    from_object,
    job::upload::{UPLOADS_PATH, Upload},
    problem::Problem,
};
use gloo::events::EventListener;
use wasm_bindgen::JsCast;
use web_sys::{File, ProgressEvent, XmlHttpRequest};
use yew::Callback;

use crate::api::Failure;

/// A file on its way. Dropped, it is broken off.
pub struct Sending {
    request: XmlHttpRequest,
    _listeners: [EventListener; 3],
}

impl Drop for Sending {
    fn drop(&mut self) {
        let _ = self.request.abort();
    }
}

/// Sends `file`; `told` hears how many bytes have gone out, and `ended` what came of it.
pub fn send(file: &File, told: Callback<u64>, ended: Callback<Result<Upload, Failure>>) -> Option<Sending> {
    let request = XmlHttpRequest::new().ok()?;
    let name: String = js_sys::encode_uri_component(&file.name()).into();
    request.open("POST", &format!("{UPLOADS_PATH}?name={name}")).ok()?;
    let progress = EventListener::new(request.upload().ok()?.as_ref(), "progress", move |event| {
        if let Some(event) = event.dyn_ref::<ProgressEvent>() {
            told.emit(event.loaded() as u64);
        }
    });
    let answered = {
        let (request, ended) = (request.clone(), ended.clone());
        EventListener::once(&request.clone(), "load", move |_| ended.emit(outcome(&request)))
    };
    let lost = EventListener::once(&request, "error", move |_| {
        ended.emit(Err(Failure::Lost(
            "The server cannot be reached, or it broke the connection off.".to_owned(),
        )));
    });
    request.send_with_opt_blob(Some(file)).ok()?;
    Some(Sending { request, _listeners: [progress, answered, lost] })
}

fn outcome(request: &XmlHttpRequest) -> Result<Upload, Failure> {
    let text = request.response_text().ok().flatten().unwrap_or_default();
    let lost = || Failure::Lost("The server's answer was not understood.".to_owned());
    if request.status().is_ok_and(|status| status == 201) {
        return from_object(&text).map_err(|_| lost());
    }
    Err(from_object::<Problem>(&text).map_or_else(|_| lost(), |problem| Failure::Refused(Box::new(problem))))
}
