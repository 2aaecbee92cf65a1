//! Marks drawn once and then stamped: a mark costs one call instead of a path, which is what lets the rain move at the
//! screen's pace with a thousand marks in sight.

use fourwire_shared::Wire;
use wasm_bindgen::JsCast;
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement};

use super::look::{shape, token};
use crate::charts::theme;

/// Room around the centre, in radii: the diamond is the widest mark.
const ROOM: f64 = 1.5;

/// One small canvas a wire, re-made when the size, the screen or the theme changes.
#[derive(Default)]
pub struct Stamps {
    made: [Option<Stamp>; 4],
    key: Key,
}

/// What a stamp depends on: theme, radius and screen. Asked once a picture, not once a mark.
#[derive(Clone, Copy, Default, PartialEq)]
struct Key {
    theme: u64,
    radius: f64,
    ratio: f64,
}

struct Stamp {
    key: Key,
    canvas: HtmlCanvasElement,
}

impl Stamps {
    /// Gets ready for a picture with marks of `radius`.
    pub fn ink(&mut self, radius: f64) {
        let ratio = crate::window().device_pixel_ratio().max(0.5);
        self.key = Key { theme: theme::version(), radius, ratio };
    }

    /// Stamps a wire's mark around a place. Falls back to a path where no canvas can be made.
    pub fn press(&mut self, context: &CanvasRenderingContext2d, wire: Wire, (x, y): (f64, f64)) {
        let key = self.key;
        let Key { radius, ratio, .. } = key;
        let slot = &mut self.made[wire.index()];
        if slot.as_ref().is_none_or(|stamp| stamp.key != key) {
            *slot = make(wire, radius, ratio).map(|canvas| Stamp { key, canvas });
        }
        let half = radius * ROOM;
        let pressed = slot.as_ref().is_some_and(|stamp| {
            // On whole pixels of the screen: a mark between two is a smear.
            let at = |value: f64| ((value - half) * ratio).round() / ratio;
            let size = f64::from(stamp.canvas.width()) / ratio;
            let drawn = context.draw_image_with_html_canvas_element_and_dw_and_dh(
                &stamp.canvas,
                at(x),
                at(y),
                size,
                size,
            );
            drawn.is_ok()
        });
        if !pressed {
            context.set_fill_style_str(&theme::color(token(wire)));
            context.begin_path();
            shape(wire).trace(context, x, y, radius);
            context.fill();
        }
    }
}

fn make(wire: Wire, radius: f64, ratio: f64) -> Option<HtmlCanvasElement> {
    let canvas: HtmlCanvasElement = crate::document().create_element("canvas").ok()?.dyn_into().ok()?;
    let half = radius * ROOM;
    let pixels = (2.0 * half * ratio).ceil() as u32;
    canvas.set_width(pixels);
    canvas.set_height(pixels);
    let context: CanvasRenderingContext2d = canvas.get_context("2d").ok()??.dyn_into().ok()?;
    context.scale(ratio, ratio).ok()?;
    context.set_fill_style_str(&theme::color(token(wire)));
    context.begin_path();
    shape(wire).trace(&context, half, half, radius);
    context.fill();
    Some(canvas)
}
