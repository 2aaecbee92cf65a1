//! A canvas that knows its size, the screen's pixel ratio, and whether anyone can see it.

use std::{
    cell::{Cell, RefCell},
    rc::{Rc, Weak},
};

use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{
    CanvasRenderingContext2d, HtmlCanvasElement, IntersectionObserver, IntersectionObserverEntry,
    ResizeObserver,
};

use super::theme;

/// The font of axes and labels.
pub const FONT: &str = "12px system-ui, sans-serif";

/// A canvas under observation; dropping it ends the observation.
pub struct Surface {
    canvas: HtmlCanvasElement,
    context: CanvasRenderingContext2d,
    size: Cell<(f64, f64)>,
    ratio: Cell<f64>,
    visible: Cell<bool>,
    dirty: Cell<bool>,
    observers: RefCell<Option<Observers>>,
}

struct Observers {
    resize: ResizeObserver,
    intersection: IntersectionObserver,
    _resized: Closure<dyn FnMut()>,
    _seen: Closure<dyn FnMut(js_sys::Array)>,
}

impl Surface {
    /// Starts to observe `canvas`. None where the browser has no 2D canvas.
    pub fn new(canvas: HtmlCanvasElement) -> Option<Rc<Self>> {
        let context = canvas.get_context("2d").ok()??.dyn_into().ok()?;
        let surface = Rc::new(Self {
            canvas,
            context,
            size: Cell::default(),
            ratio: Cell::new(0.0),
            visible: Cell::new(true),
            dirty: Cell::new(true),
            observers: RefCell::default(),
        });
        surface.measure();
        *surface.observers.borrow_mut() = observe(&surface);
        Some(surface)
    }

    /// Width and height in CSS pixels.
    pub fn size(&self) -> (f64, f64) {
        self.size.get()
    }

    /// Asks for a drawing.
    pub fn touch(&self) {
        self.dirty.set(true);
    }

    /// Whether a drawing was asked for.
    pub fn is_dirty(&self) -> bool {
        self.dirty.get()
    }

    /// Whether it can be seen: in the viewport or on paper, and with a size.
    pub fn is_visible(&self) -> bool {
        let (width, height) = self.size.get();
        (self.visible.get() || theme::is_printing()) && width > 0.0 && height > 0.0
    }

    /// An empty canvas with one unit a CSS pixel, whatever the screen.
    pub fn begin(&self) -> &CanvasRenderingContext2d {
        self.dirty.set(false);
        let (width, height) = self.size.get();
        let ratio = pixel_ratio();
        let backing = ((width * ratio).round() as u32, (height * ratio).round() as u32);
        if (self.canvas.width(), self.canvas.height()) != backing {
            self.canvas.set_width(backing.0);
            self.canvas.set_height(backing.1);
        }
        self.ratio.set(ratio);
        // Neither call fails with finite numbers.
        let _ = self.context.set_transform(ratio, 0.0, 0.0, ratio, 0.0, 0.0);
        self.context.clear_rect(0.0, 0.0, width, height);
        self.context.set_font(FONT);
        &self.context
    }

    /// Whether the page has moved to a screen of another pixel ratio since the last drawing.
    pub fn is_outgrown(&self) -> bool {
        self.ratio.get() != pixel_ratio()
    }

    fn measure(&self) {
        let size = (f64::from(self.canvas.client_width()), f64::from(self.canvas.client_height()));
        if self.size.replace(size) != size {
            self.dirty.set(true);
        }
    }

    fn seen(&self, entries: &js_sys::Array) {
        if let Some(entry) =
            entries.iter().last().and_then(|entry| entry.dyn_into::<IntersectionObserverEntry>().ok())
        {
            self.visible.set(entry.is_intersecting());
            self.dirty.set(true);
        }
    }
}

fn observe(surface: &Rc<Surface>) -> Option<Observers> {
    let weak: Weak<Surface> = Rc::downgrade(surface);
    let resized = Closure::<dyn FnMut()>::new({
        let weak = weak.clone();
        move || {
            if let Some(surface) = weak.upgrade() {
                surface.measure();
            }
        }
    });
    let seen = Closure::<dyn FnMut(js_sys::Array)>::new(move |entries: js_sys::Array| {
        if let Some(surface) = weak.upgrade() {
            surface.seen(&entries);
        }
    });
    let resize = ResizeObserver::new(resized.as_ref().unchecked_ref()).ok()?;
    let intersection = IntersectionObserver::new(seen.as_ref().unchecked_ref()).ok()?;
    resize.observe(&surface.canvas);
    intersection.observe(&surface.canvas);
    Some(Observers { resize, intersection, _resized: resized, _seen: seen })
}

impl Drop for Observers {
    fn drop(&mut self) {
        self.resize.disconnect();
        self.intersection.disconnect();
    }
}

fn pixel_ratio() -> f64 {
    web_sys::window().map_or(1.0, |window| window.device_pixel_ratio()).max(0.5)
}
