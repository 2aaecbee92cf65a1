//! The event rain: four rows on one time axis, a mark for each event at the moment it was applied, a faint line
//! through the four arrivals of one event. Reads the shared run on each frame; keeps only the selection.

use std::cell::{Cell, RefCell};

use fourwire_shared::{Seq, Wire};
use web_sys::CanvasRenderingContext2d;

use super::{
    board::{BreakKind, LANES, LaneLog, Row},
    look::{name, shape, token},
    rain_layout::{View, mark_radius, stride},
    run::{Run, SharedRun},
    stamps::Stamps,
};
use crate::charts::{Dash, Paint, scale::time_step_s, theme};

/// Paints the rain of a run.
pub struct Rain {
    run: SharedRun,
    selected: Cell<Option<Seq>>,
    touched: Cell<bool>,
    step: Cell<u64>,
    stamps: RefCell<Stamps>,
}

impl Rain {
    /// The rain of `run`.
    pub fn new(run: SharedRun) -> Self {
        Self {
            run,
            selected: Cell::default(),
            touched: Cell::new(true),
            step: Cell::default(),
            stamps: RefCell::default(),
        }
    }

    /// The selected event.
    pub fn selected(&self) -> Option<Seq> {
        self.selected.get()
    }

    /// Selects an event, or none.
    pub fn select(&self, seq: Option<Seq>) {
        self.selected.set(seq);
        self.touched.set(true);
    }

    /// The frame of a picture of this size at `now_ms`.
    pub fn view(&self, size: (f64, f64), now_ms: f64) -> View {
        let run = self.run.borrow();
        let edge = run.edge(now_ms);
        // Whole seconds for those who want less motion.
        let edge_ms = if theme::reduced_motion() { (edge / 1_000.0).floor() * 1_000.0 } else { edge };
        View { size, edge_ms, wide_ms: run.window_ms }
    }
}

impl Paint for Rain {
    fn due(&self, now_ms: f64) -> bool {
        let running = self.run.borrow().is_running();
        let step = if theme::reduced_motion() { (now_ms / 1_000.0) as u64 } else { u64::MAX };
        let moved = running && (step == u64::MAX || self.step.replace(step) != step);
        self.touched.replace(false) || moved
    }

    fn paint(&self, context: &CanvasRenderingContext2d, size: (f64, f64), now_ms: f64) {
        let view = self.view(size, now_ms);
        let run = self.run.borrow();
        paint_axis(context, &view, run.stopped_ms.is_some());
        for (lane, wire) in run.wires().into_iter().enumerate() {
            paint_lane(context, &view, lane, wire);
        }
        context.save();
        context.begin_path();
        context.rect(view.left() - 4.0, 0.0, view.right() - view.left() + 8.0, size.1);
        context.clip();
        for lane in 0..LANES {
            paint_breaks(context, &view, lane, run.board.lane(lane));
        }
        paint_joins(context, &view, &run);
        paint_marks(context, &view, &run, &mut self.stamps.borrow_mut());
        if let Some(row) =
            self.selected.get().and_then(|seq| run.board.rows().iter().find(|row| row.seq == seq))
        {
            paint_selected(context, &view, row);
        }
        context.restore();
    }
}

fn paint_axis(context: &CanvasRenderingContext2d, view: &View, stopped: bool) {
    context.set_stroke_style_str(&theme::color("--grid"));
    context.set_fill_style_str(&theme::color("--muted"));
    context.set_line_width(1.0);
    context.set_text_align("center");
    context.set_text_baseline("alphabetic");
    let seconds = view.window_ms() / 1_000.0;
    let step = time_step_s(seconds, if view.is_narrow() { 3 } else { 6 });
    context.begin_path();
    for second in (0..=seconds as u32).step_by(step as usize) {
        let x = view.x(view.edge_ms - f64::from(second) * 1_000.0).round() + 0.5;
        context.move_to(x, 0.0);
        context.line_to(x, view.size.1 - 18.0);
        let words = match (second, stopped) {
            (0, false) => "now".to_owned(),
            (0, true) => "end".to_owned(),
            _ => format!("−{second}\u{a0}s"),
        };
        let _ = context.fill_text(&words, x.min(view.size.0 - 16.0), view.size.1 - 4.0);
    }
    context.stroke();
}

fn paint_lane(context: &CanvasRenderingContext2d, view: &View, lane: usize, wire: Wire) {
    let y = view.y(lane).round() + 0.5;
    context.set_stroke_style_str(&theme::color("--grid"));
    context.begin_path();
    context.move_to(view.left(), y);
    context.line_to(view.right(), y);
    context.stroke();
    context.set_fill_style_str(&theme::color(token(wire)));
    context.begin_path();
    shape(wire).trace(context, 10.0, y, 4.5);
    context.fill();
    if !view.is_narrow() {
        context.set_fill_style_str(&theme::color("--text"));
        context.set_text_align("left");
        context.set_text_baseline("middle");
        let _ = context.fill_text(name(wire), 22.0, y);
    }
}

/// Hatching for stretches without delivery, a marked line for resets.
fn paint_breaks(context: &CanvasRenderingContext2d, view: &View, lane: usize, log: &LaneLog) {
    let (top, height) = (view.y(lane) - view.lane_height() / 2.0 + 3.0, view.lane_height() - 6.0);
    for stretch in log.breaks() {
        let to = stretch.to_ms.unwrap_or(view.edge_ms);
        if to < view.since_ms() {
            continue;
        }
        let (from, to) = (view.x(stretch.from_ms).max(view.left()), view.x(to).min(view.right()));
        let ink = match stretch.kind {
            BreakKind::Reconnect => "--warn",
            BreakKind::Paused | BreakKind::Hidden => "--control",
        };
        hatch(context, (from, top, (to - from).max(2.0), height), &theme::color(ink));
    }
    for at in log.resets().iter().filter(|at| **at >= view.since_ms()) {
        let x = view.x(*at).round() + 0.5;
        let ink = theme::color("--bad");
        context.set_stroke_style_str(&ink);
        context.set_fill_style_str(&ink);
        context.set_line_width(2.0);
        context.begin_path();
        context.move_to(x, top);
        context.line_to(x, top + height);
        context.stroke();
        context.set_text_align("left");
        context.set_text_baseline("top");
        let _ = context.fill_text("reset", x + 4.0, top);
    }
}

fn hatch(context: &CanvasRenderingContext2d, (x, y, width, height): (f64, f64, f64, f64), ink: &str) {
    context.save();
    context.begin_path();
    context.rect(x, y, width, height);
    context.clip();
    context.set_stroke_style_str(ink);
    context.set_line_width(1.0);
    context.set_global_alpha(0.75);
    context.begin_path();
    // Stripes stand still in time, not on the screen, so that the band moves as one.
    let mut stripe = x - height;
    while stripe < x + width {
        context.move_to(stripe, y + height);
        context.line_to(stripe + height, y);
        stripe += 6.0;
    }
    context.stroke();
    context.restore();
}

/// Rows with an arrival in sight, newest first.
fn in_sight<'a>(run: &'a Run, view: &'a View) -> impl Iterator<Item = &'a Row> {
    let since = view.since_ms();
    run.board
        .rows()
        .iter()
        .rev()
        .filter(move |row| row.applied.iter().flatten().any(|mark| mark.at_ms >= since))
}

fn paint_joins(context: &CanvasRenderingContext2d, view: &View, run: &Run) {
    let stride = stride(in_sight(run, view).count());
    context.set_stroke_style_str(&theme::color("--control"));
    context.set_line_width(1.0);
    context.set_global_alpha(0.28);
    context.begin_path();
    for row in in_sight(run, view).filter(|row| row.number % stride == 0) {
        trace_join(context, view, row);
    }
    context.stroke();
    context.set_global_alpha(1.0);
}

fn trace_join(context: &CanvasRenderingContext2d, view: &View, row: &Row) {
    let mut begun = false;
    for (lane, mark) in row.applied.iter().enumerate() {
        let Some(mark) = mark else { continue };
        let (x, y) = (view.x(mark.at_ms), view.y(lane));
        if begun {
            context.line_to(x, y)
        } else {
            context.move_to(x, y)
        }
        begun = true;
    }
}

/// Of marks that would cover each other in one pixel column only one is drawn; a lane whose marks stand close has
/// smaller ones.
fn paint_marks(context: &CanvasRenderingContext2d, view: &View, run: &Run, stamps: &mut Stamps) {
    let mut columns: Vec<(Wire, f64)> = Vec::new();
    for lane in 0..LANES {
        columns.clear();
        let mut last = f64::INFINITY;
        for mark in in_sight(run, view).filter_map(|row| row.applied[lane]) {
            let x = view.x(mark.at_ms);
            if (last - x).abs() >= 1.0 {
                columns.push((mark.wire, x));
                last = x;
            }
        }
        stamps.ink(mark_radius(view, columns.len()));
        for (wire, x) in &columns {
            stamps.press(context, *wire, (*x, view.y(lane)));
        }
    }
}

fn paint_selected(context: &CanvasRenderingContext2d, view: &View, row: &Row) {
    context.set_stroke_style_str(&theme::color("--text"));
    context.set_line_width(1.5);
    Dash::Solid.apply(context);
    context.begin_path();
    trace_join(context, view, row);
    context.stroke();
    for (lane, mark) in row.applied.iter().enumerate() {
        let Some(mark) = mark else { continue };
        let (x, y) = (view.x(mark.at_ms), view.y(lane));
        context.set_fill_style_str(&theme::color(token(mark.wire)));
        context.begin_path();
        shape(mark.wire).trace(context, x, y, 5.5);
        context.fill();
        context.stroke();
    }
}
