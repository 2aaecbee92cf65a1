//! The page's one animation loop. It runs only while something is attached, and the browser stops it in hidden tabs:
//! nothing but drawing may hang on it.

use std::{
    cell::RefCell,
    rc::{Rc, Weak},
};

use gloo::events::EventListener;
use wasm_bindgen::{JsCast, closure::Closure};

use super::theme;

/// Something that may need drawing.
pub trait Draw {
    /// Called once per animation frame; returns at once where nothing has changed. `now_ms` is `performance.now()`.
    fn frame(&self, now_ms: f64);
}

/// Being drawn; dropping it ends that.
pub struct Attached {
    id: u64,
}

#[derive(Default)]
struct Loop {
    next_id: u64,
    drawn: Vec<(u64, Weak<dyn Draw>)>,
    running: bool,
    // Made once and kept for the page's life: one callback however many charts come and go.
    callback: Option<Rc<Beat>>,
}

type Beat = Closure<dyn FnMut(f64)>;

thread_local! {
    static LOOP: RefCell<Loop> = RefCell::default();
}

/// Has `draw` called once per frame until the answer is dropped.
pub fn attach(draw: Weak<dyn Draw>) -> Attached {
    let id = LOOP.with_borrow_mut(|pulse| {
        pulse.next_id += 1;
        let id = pulse.next_id;
        pulse.drawn.push((id, draw));
        id
    });
    start();
    Attached { id }
}

impl Drop for Attached {
    fn drop(&mut self) {
        // Gone at the end of a thread, where the list is too.
        let _ = LOOP.try_with(|pulse| {
            if let Ok(mut pulse) = pulse.try_borrow_mut() {
                pulse.drawn.retain(|(id, _)| *id != self.id);
            }
        });
    }
}

fn start() {
    let callback = LOOP.with_borrow_mut(|pulse| {
        if pulse.running {
            return None;
        }
        pulse.running = true;
        let callback = pulse.callback.get_or_insert_with(|| {
            let print = |_: &web_sys::Event| theme::print(|| draw(crate::wire::now_ms()));
            EventListener::new(&crate::window(), "beforeprint", print).forget();
            Rc::new(Closure::new(beat))
        });
        Some(callback.clone())
    });
    if let Some(callback) = callback {
        request(&callback);
    }
}

fn draw(now_ms: f64) {
    // The list is copied out, so that what is drawn may attach and detach.
    let drawn: Vec<Rc<dyn Draw>> =
        LOOP.with_borrow(|pulse| pulse.drawn.iter().filter_map(|(_, draw)| draw.upgrade()).collect());
    for draw in &drawn {
        draw.frame(now_ms);
    }
}

fn beat(now_ms: f64) {
    draw(now_ms);
    let next = LOOP.with_borrow_mut(|pulse| {
        pulse.running = !pulse.drawn.is_empty();
        pulse.callback.clone().filter(|_| pulse.running)
    });
    if let Some(callback) = next {
        request(&callback);
    }
}

fn request(callback: &Beat) {
    if let Some(window) = web_sys::window() {
        // Fails only in a document that is being torn down.
        let _ = window.request_animation_frame(callback.as_ref().unchecked_ref());
    }
}
