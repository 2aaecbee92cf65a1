//! The life of a page, as a session should feel it: hidden, shown, frozen, put aside, offline, online.
//!
//! A hidden page lets go of its connection after a while: browsers allow six per host over all tabs, and a stream that
//! nobody looks at takes one. A page that is frozen or put into the back/forward cache lets go at once, or it could not
//! be kept. Whoever comes back resumes at the cursor.

use std::{cell::RefCell, rc::Rc};

use fourwire_shared::session::Input;
use gloo::{events::EventListener, timers::callback::Timeout};
use wasm_bindgen::JsCast;
use web_sys::{EventTarget, PageTransitionEvent};

use super::{clock::LiveClock, driver::Driver};

/// How long a hidden page keeps its connection, in ms.
const HIDDEN_KEEP_MS: u32 = 10_000;

/// The listeners that carry the page's life to a driver, until they are dropped.
pub struct Lifecycle {
    _listeners: Vec<EventListener>,
    _letting_go: Rc<RefCell<Option<Timeout>>>,
}

impl Lifecycle {
    /// Ties `driver` to the page. `clock` is read anew whenever the page comes back.
    pub fn attach(driver: &Driver, clock: &LiveClock) -> Self {
        let letting_go: Rc<RefCell<Option<Timeout>>> = Rc::default();
        let window: EventTarget = crate::window().into();
        let document: EventTarget = crate::document().into();
        let tell = |target: &EventTarget, name: &'static str, input: Input| {
            let driver = driver.clone();
            EventListener::new(target, name, move |_| driver.send(input.clone()))
        };
        let back = {
            let (driver, clock, letting_go) = (driver.clone(), clock.clone(), Rc::clone(&letting_go));
            move || {
                letting_go.borrow_mut().take();
                driver.resume();
                driver.send(Input::Tick); // judges a silence at once: timers may have stood still
                clock.probe();
            }
        };
        let on_visibility = {
            let (driver, letting_go, back) = (driver.clone(), Rc::clone(&letting_go), back.clone());
            move |_: &web_sys::Event| {
                if crate::document().hidden() {
                    let driver = driver.clone();
                    *letting_go.borrow_mut() = Some(Timeout::new(HIDDEN_KEEP_MS, move || driver.pause()));
                } else {
                    back();
                }
            }
        };
        let on_pageshow = {
            let back = back.clone();
            move |event: &web_sys::Event| {
                if event.dyn_ref::<PageTransitionEvent>().is_some_and(PageTransitionEvent::persisted) {
                    back();
                }
            }
        };
        Self {
            _listeners: vec![
                EventListener::new(&document, "visibilitychange", on_visibility),
                EventListener::new(&window, "pageshow", on_pageshow),
                EventListener::new(&document, "resume", move |_| back()),
                tell(&document, "freeze", Input::Pause),
                tell(&window, "pagehide", Input::Pause),
                tell(&window, "online", Input::Online),
                tell(&window, "offline", Input::Offline),
            ],
            _letting_go: letting_go,
        }
    }
}
