//! Paints a line chart: grid, axes, lines, crosshair. Knows canvas and tokens; keeps nothing.

use web_sys::CanvasRenderingContext2d;

use super::{
    decimate::{Point, gap_limit, lines},
    marks::{Dash, Shape},
    scale::{Axis, Scale, TICKS, range, ticks, time_step_s},
    series::{Series, nearest, visible},
    theme,
    units::Unit,
};

/// What there is to paint.
pub(super) struct Picture<'a> {
    pub(super) size: (f64, f64),
    pub(super) unit: Unit,
    pub(super) scale: Scale,
    pub(super) series: &'a [Series],
    /// The left and the right edge, in ms since the Unix epoch.
    pub(super) span: (f64, f64),
    pub(super) instant: Option<f64>,
}

/// Room around the plot, in CSS pixels.
pub(super) const LEFT: f64 = 60.0;
pub(super) const RIGHT: f64 = 8.0;
const TOP: f64 = 8.0;
const BOTTOM: f64 = 20.0;

/// The time axis of a chart of this width.
pub(super) fn time_axis(width: f64, span: (f64, f64)) -> Axis {
    Axis::linear(span.0, span.1, LEFT, (width - RIGHT).max(LEFT + 1.0))
}

pub(super) fn paint(context: &CanvasRenderingContext2d, picture: &Picture<'_>) {
    let (width, height) = picture.size;
    let x = time_axis(width, picture.span);
    let in_sight = picture.series.iter().flat_map(|series| visible(&series.points, picture.span.0));
    let max = in_sight.map(|point| point.1).filter(|value| value.is_finite()).fold(0.0, f64::max);
    let (low, high) = range(picture.scale, max, picture.unit.is_kibi());
    let y = Axis::linear(low, high, height - BOTTOM, TOP);

    paint_grid(context, picture, &y);
    paint_times(context, picture, &x);
    context.save();
    context.begin_path();
    context.rect(LEFT, 0.0, width - LEFT - RIGHT + 2.0, height);
    context.clip();
    for series in picture.series {
        paint_series(context, series, picture.span.0, &x, &y);
    }
    if let Some(instant) = picture.instant {
        paint_crosshair(context, picture, instant, &x, &y);
    }
    context.restore();
}

fn paint_grid(context: &CanvasRenderingContext2d, picture: &Picture<'_>, y: &Axis) {
    let (width, height) = picture.size;
    let few = if height < 120.0 { 2 } else { TICKS };
    let marks = if picture.unit.is_kibi() {
        // Quarters of a range that was rounded in powers of two stay round.
        (0..=few).map(|index| y.from() + (y.to() - y.from()) * index as f64 / few as f64).collect()
    } else {
        ticks(y.from(), y.to(), few)
    };
    context.set_stroke_style_str(&theme::color("--grid"));
    context.set_fill_style_str(&theme::color("--muted"));
    context.set_line_width(1.0);
    context.set_text_align("right");
    context.set_text_baseline("middle");
    context.begin_path();
    for mark in marks {
        let py = y.px(mark).round() + 0.5;
        context.move_to(LEFT, py);
        context.line_to(width - RIGHT, py);
        // Text that cannot be drawn is not missed: the table has it.
        let _ = context.fill_text(&picture.unit.on_axis().format(mark), LEFT - 6.0, py.max(7.0));
    }
    context.stroke();
}

fn paint_times(context: &CanvasRenderingContext2d, picture: &Picture<'_>, x: &Axis) {
    let (width, height) = picture.size;
    let (from, to) = picture.span;
    let room = ((width - LEFT) / 80.0).max(1.0) as usize;
    let step = time_step_s((to - from) / 1_000.0, room) * 1_000.0;
    context.set_text_align("center");
    context.set_text_baseline("alphabetic");
    context.set_fill_style_str(&theme::color("--muted"));
    let mut instant = (from / step).ceil() * step;
    while instant <= to {
        let px = x.px(instant);
        if px > LEFT + 14.0 && px < width - 22.0 {
            let _ = context.fill_text(&clock(instant, step < 60_000.0), px, height - 5.0);
        }
        instant += step;
    }
}

/// The local time of day, as on a wall clock.
pub(super) fn clock(instant_ms: f64, seconds: bool) -> String {
    let date = js_sys::Date::new(&instant_ms.into());
    let (hours, minutes) = (date.get_hours(), date.get_minutes());
    if seconds {
        format!("{hours:02}:{minutes:02}:{:02}", date.get_seconds())
    } else {
        format!("{hours:02}:{minutes:02}")
    }
}

fn paint_series(context: &CanvasRenderingContext2d, series: &Series, since: f64, x: &Axis, y: &Axis) {
    let points = visible(&series.points, since);
    let gap = gap_limit(points.iter().map(|point| point.0));
    let gap_px = x.px(since + gap) - x.px(since);
    let pixels = points.iter().map(|point| (x.px(point.0), y.px(point.1)));
    let color = theme::color(series.token);
    context.set_stroke_style_str(&color);
    context.set_fill_style_str(&color);
    context.set_line_width(1.75);
    context.set_line_join("round");
    series.dash.apply(context);
    for line in lines(pixels, gap_px) {
        trace(context, &line);
    }
    Dash::Solid.apply(context);
}

/// Strokes a line; a single point between two gaps is a dot, else it would not be seen at all.
pub(super) fn trace(context: &CanvasRenderingContext2d, line: &[Point]) {
    context.begin_path();
    if let [(x, y)] = line {
        Shape::Circle.trace(context, *x, *y, 1.75);
        context.fill();
        return;
    }
    for (index, (x, y)) in line.iter().enumerate() {
        if index == 0 { context.move_to(*x, *y) } else { context.line_to(*x, *y) }
    }
    context.stroke();
}

fn paint_crosshair(
    context: &CanvasRenderingContext2d,
    picture: &Picture<'_>,
    instant: f64,
    x: &Axis,
    y: &Axis,
) {
    let px = x.px(instant).round() + 0.5;
    context.set_stroke_style_str(&theme::color("--control"));
    context.set_line_width(1.0);
    context.begin_path();
    context.move_to(px, TOP);
    context.line_to(px, picture.size.1 - BOTTOM);
    context.stroke();
    for series in picture.series {
        if let Some(point) = nearest(&series.points, instant, reach(&series.points)) {
            context.set_fill_style_str(&theme::color(series.token));
            context.begin_path();
            Shape::Circle.trace(context, x.px(point.0), y.px(point.1), 3.5);
            context.fill();
        }
    }
}

/// How far from an instant a point may lie and still be its value.
pub(super) fn reach(points: &[super::series::Sample]) -> f64 {
    let tail = &points[points.len().saturating_sub(32)..];
    gap_limit(tail.iter().map(|point| point.0)).min(60_000.0)
}
