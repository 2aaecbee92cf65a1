//! One running Compare per browser: two would share the six connections that a browser opens to a host, and each
//! would measure the other. Where the browser has no Web Locks, every page may run.

use std::{cell::RefCell, rc::Rc};

use js_sys::{Function, Object, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::JsFuture;

const NAME: &str = "fourwire.compare";

/// The right to run; dropping it gives it back.
pub struct Held {
    release: Option<Function>,
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(release) = &self.release {
            // A promise's resolve does not throw.
            let _ = release.call0(&JsValue::UNDEFINED);
        }
    }
}

/// Asks for the right to run. None where another page has it.
pub async fn acquire() -> Option<Held> {
    let navigator: JsValue = crate::window().navigator().into();
    let locks = Reflect::get(&navigator, &"locks".into()).unwrap_or_default();
    let request = Reflect::get(&locks, &"request".into()).ok().and_then(|it| it.dyn_into::<Function>().ok());
    let Some(request) = request else { return Some(Held { release: None }) };

    let (granted, grant) = promise();
    let (released, release) = promise();
    let callback = Closure::once_into_js(move |lock: JsValue| -> JsValue {
        let got = !lock.is_null();
        let _ = grant.call1(&JsValue::UNDEFINED, &got.into());
        // The lock is held until this promise is resolved.
        if got { released.into() } else { JsValue::UNDEFINED }
    });
    let options = Object::new();
    let _ = Reflect::set(&options, &"ifAvailable".into(), &true.into());
    if request.call3(&locks, &NAME.into(), &options, &callback).is_err() {
        return Some(Held { release: None });
    }
    let got = JsFuture::from(granted).await.is_ok_and(|got| got.is_truthy());
    got.then_some(Held { release: Some(release) })
}

fn promise() -> (Promise, Function) {
    let slot = Rc::new(RefCell::new(None));
    let filled = slot.clone();
    let promise = Promise::new(&mut move |resolve, _reject| *filled.borrow_mut() = Some(resolve));
    // The executor of a promise runs within its constructor.
    let resolve = slot.borrow_mut().take().unwrap_or_else(|| Function::new_no_args(""));
    (promise, resolve)
}
