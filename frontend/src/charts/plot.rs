//! A canvas that somebody else paints: size, visibility, theme and input are taken care of here.

use std::{
    cell::Cell,
    rc::{Rc, Weak},
};

use web_sys::CanvasRenderingContext2d;
use yew::prelude::*;

use super::{
    pulse::{self, Draw},
    surface::Surface,
    theme,
};

/// Something that can paint a picture of a given size.
pub trait Paint {
    /// Whether the picture has changed since it was painted last. Asked on each animation frame.
    fn due(&self, now_ms: f64) -> bool;

    /// Paints on an empty canvas of `size` CSS pixels. `now_ms` is `performance.now()`.
    fn paint(&self, context: &CanvasRenderingContext2d, size: (f64, f64), now_ms: f64);
}

/// A shared painter; equal to itself alone.
#[derive(Clone)]
pub struct Painter(pub Rc<dyn Paint>);

impl PartialEq for Painter {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

/// What a [`Plot`] needs.
#[derive(Properties, PartialEq)]
pub struct PlotProps {
    /// Who paints. Fixed for the component's life.
    pub painter: Painter,
    /// The picture in words.
    pub label: AttrValue,
    /// Classes of the canvas, which give it its height.
    #[prop_or_default]
    pub class: Classes,
    /// Where the pointer is, in CSS pixels of the canvas, and the canvas' size.
    #[prop_or_default]
    pub onpoint: Option<Callback<Pointed>>,
    /// Keys pressed on the canvas. With this the canvas can have the focus.
    #[prop_or_default]
    pub onkey: Option<Callback<KeyboardEvent>>,
}

/// A place on a canvas of a size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pointed {
    /// Across and down, in CSS pixels.
    pub at: (f64, f64),
    /// The canvas' size in CSS pixels.
    pub size: (f64, f64),
}

/// A canvas in the page's loop.
#[component]
pub fn Plot(props: &PlotProps) -> Html {
    let canvas = use_node_ref();
    {
        let (canvas, painter) = (canvas.clone(), props.painter.clone());
        use_effect_with(painter, move |painter| {
            let stage = canvas
                .cast()
                .and_then(Surface::new)
                .map(|surface| Rc::new(Stage { surface, painter: painter.clone(), theme: Cell::default() }));
            let attached = stage.as_ref().map(|stage| {
                let weak: Weak<dyn Draw> = Rc::downgrade(&(stage.clone() as Rc<dyn Draw>));
                pulse::attach(weak)
            });
            move || drop((attached, stage))
        });
    }
    let onpointermove = props.onpoint.clone().map(|onpoint| {
        Callback::from(move |event: PointerEvent| {
            let Some(canvas) = event.target_dyn_into::<web_sys::Element>() else { return };
            let size = (f64::from(canvas.client_width()), f64::from(canvas.client_height()));
            onpoint.emit(Pointed { at: (f64::from(event.offset_x()), f64::from(event.offset_y())), size });
        })
    });
    let tabindex = props.onkey.is_some().then_some("0");
    html! {
        <canvas ref={canvas} role="img" class={props.class.clone()} aria-label={props.label.clone()} {tabindex}
            onpointerdown={onpointermove.clone()} {onpointermove} onkeydown={props.onkey.clone()}></canvas>
    }
}

struct Stage {
    surface: Rc<Surface>,
    painter: Painter,
    theme: Cell<u64>,
}

impl Draw for Stage {
    fn frame(&self, now_ms: f64) {
        if !self.surface.is_visible() {
            return;
        }
        let same_theme = self.theme.replace(theme::version()) == theme::version();
        let stale = self.surface.is_dirty() || self.surface.is_outgrown() || !same_theme;
        if self.painter.0.due(now_ms) || stale {
            let size = self.surface.size();
            self.painter.0.paint(self.surface.begin(), size, now_ms);
        }
    }
}
