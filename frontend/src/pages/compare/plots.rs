//! The two still pictures: the distribution of latencies, and how old the data on the screen was.

use std::cell::Cell;

use web_sys::CanvasRenderingContext2d;

use super::{
    board::{LANES, Sample},
    look::{dash, shape, token},
    run::{Run, SharedRun},
};
use crate::charts::{
    Dash, Paint, Unit,
    decimate::{Point, lines},
    ecdf::{percentile, steps},
    scale::{Axis, decades, ticks},
    theme,
};

const LEFT: f64 = 52.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 22.0;
/// How much time the staleness picture shows at most.
const STALENESS_MS_MAX: f64 = 60_000.0;

/// The empirical distribution of each lane's latencies, on a logarithmic axis.
pub struct Ecdf {
    run: SharedRun,
    painted: Cell<u64>,
}

impl Ecdf {
    /// The distributions of `run`.
    pub fn new(run: SharedRun) -> Self {
        Self { run, painted: Cell::new(u64::MAX) }
    }
}

impl Paint for Ecdf {
    fn due(&self, _now_ms: f64) -> bool {
        self.painted.get() != self.run.borrow().version
    }

    fn paint(&self, context: &CanvasRenderingContext2d, size: (f64, f64), _now_ms: f64) {
        let run = self.run.borrow();
        self.painted.set(run.version);
        let slowest = (0..LANES).filter_map(|lane| run.sorted(lane).last()).fold(100.0_f32, |a, b| a.max(*b));
        let x = Axis::log(0.5, f64::from(slowest).max(run.within_ms) * 1.3, LEFT, size.0 - RIGHT);
        let y = Axis::linear(0.0, 1.0, size.1 - BOTTOM, TOP);
        let shares = [0.0, 0.25, 0.5, 0.75, 1.0].map(|share| (share, Unit::Percent.format(share * 100.0)));
        horizontal(context, size, &y, &shares);
        vertical(
            context,
            size,
            &x,
            &decades(x.from(), x.to())
                .into_iter()
                .map(|ms| (ms, Unit::Millis.format(ms)))
                .collect::<Vec<_>>(),
        );
        limit(context, size, x.px(run.within_ms), true);
        for (lane, wire) in run.wires().into_iter().enumerate() {
            let sorted = run.sorted(lane);
            ink(context, token(wire));
            dash(wire).apply(context);
            stairs(context, &steps(sorted, 300), &x, &y);
            Dash::Solid.apply(context);
            if let Some(median) = percentile(sorted, 0.5) {
                context.begin_path();
                shape(wire).trace(context, x.px(f64::from(median).max(0.5)), y.px(0.5), 4.0);
                context.fill();
            }
        }
    }
}

fn stairs(context: &CanvasRenderingContext2d, steps: &[(f64, f64)], x: &Axis, y: &Axis) {
    let mut height = y.px(0.0);
    context.begin_path();
    for (index, (value, share)) in steps.iter().enumerate() {
        let px = x.px(value.max(x.from()));
        if index == 0 {
            context.move_to(px, height)
        } else {
            context.line_to(px, height)
        }
        height = y.px(*share);
        context.line_to(px, height);
    }
    context.stroke();
}

/// How old the data on the screen was, for each lane: a sawtooth for polling, nearly a floor for the streams.
pub struct Staleness {
    run: SharedRun,
    painted: Cell<u64>,
    log: Cell<bool>,
}

impl Staleness {
    /// The staleness of `run`'s lanes.
    pub fn new(run: SharedRun) -> Self {
        Self { run, painted: Cell::new(u64::MAX), log: Cell::new(false) }
    }

    /// Whether the vertical axis is logarithmic.
    pub fn set_log(&self, log: bool) {
        self.log.set(log);
        self.painted.set(u64::MAX);
    }
}

impl Paint for Staleness {
    fn due(&self, _now_ms: f64) -> bool {
        self.painted.get() != self.run.borrow().version
    }

    fn paint(&self, context: &CanvasRenderingContext2d, size: (f64, f64), now_ms: f64) {
        let run = self.run.borrow();
        self.painted.set(run.version);
        let edge = run.edge(now_ms);
        // As long as the run, in steps, so that the first seconds are seen too.
        let span =
            [10_000.0, 20_000.0, 30_000.0].into_iter().find(|span| run.seconds(now_ms) * 1_000.0 <= *span);
        let span = span.unwrap_or(STALENESS_MS_MAX);
        let teeth: Vec<Vec<Point>> = (0..LANES).map(|lane| lane_teeth(&run, lane, edge, span)).collect();
        let oldest =
            teeth.iter().flatten().map(|tooth| tooth.1).fold(run.within_ms * 0.5, f64::max).max(10.0);
        let x = Axis::linear(edge - span, edge, LEFT, size.0 - RIGHT);
        let (y, marks) = if self.log.get() {
            let top = 10f64.powi(oldest.log10().ceil() as i32);
            (Axis::log(1.0, top, size.1 - BOTTOM, TOP), decades(1.0, top))
        } else {
            let top = oldest * 1.08;
            (Axis::linear(0.0, top, size.1 - BOTTOM, TOP), ticks(0.0, top, 5))
        };
        horizontal(
            context,
            size,
            &y,
            &marks.into_iter().map(|ms| (ms, Unit::Millis.format(ms))).collect::<Vec<_>>(),
        );
        let ago = |second: u32| {
            (
                edge - f64::from(second) * 1_000.0,
                if second == 0 { "now".to_owned() } else { format!("−{second}\u{a0}s") },
            )
        };
        vertical(
            context,
            size,
            &x,
            &(0..=(span / 1_000.0) as u32)
                .step_by((span / 4_000.0).max(2.0) as usize)
                .map(ago)
                .collect::<Vec<_>>(),
        );
        if run.within_ms <= y.to() {
            limit(context, size, y.px(run.within_ms), false);
        }
        context.save();
        context.begin_path();
        context.rect(LEFT, 0.0, size.0 - LEFT - RIGHT + 1.0, size.1 - BOTTOM + 1.0);
        context.clip();
        for (lane, wire) in run.wires().into_iter().enumerate() {
            ink(context, token(wire));
            dash(wire).apply(context);
            let pixels = teeth[lane].iter().map(|(ms, age)| (x.px(*ms), y.px(age.max(0.0))));
            for line in lines(crests(pixels.collect()), f64::INFINITY) {
                context.begin_path();
                for (index, (px, py)) in line.iter().enumerate() {
                    if index == 0 { context.move_to(*px, *py) } else { context.line_to(*px, *py) }
                }
                context.stroke();
            }
        }
        context.restore();
    }
}

/// Teeth narrower than a few pixels would fill the picture: of those only the crests are kept, which is how old the
/// data got. `teeth` in the order of x; y grows downwards.
fn crests(teeth: Vec<Point>) -> Vec<Point> {
    /// Narrower teeth are not drawn one by one.
    const TOOTH: f64 = 7.0;
    // Events that came together, as with polling, are one arrival.
    let arrivals = 1 + teeth.windows(2).filter(|pair| pair[1].0 - pair[0].0 > 0.5).count();
    let width = teeth.last().map_or(0.0, |last| last.0) - teeth.first().map_or(0.0, |first| first.0);
    if width / arrivals as f64 >= TOOTH {
        return teeth;
    }
    let mut crests: Vec<Point> = Vec::new();
    for (x, y) in teeth {
        let middle = ((x / TOOTH).floor() + 0.5) * TOOTH;
        match crests.last_mut() {
            Some(crest) if crest.0 == middle => crest.1 = crest.1.min(y),
            _ => crests.push((middle, y)),
        }
    }
    crests
}

fn lane_teeth(run: &Run, lane: usize, edge_ms: f64, span_ms: f64) -> Vec<Point> {
    let samples = run.board.lane(lane).samples();
    let first = samples.partition_point(|sample| sample.applied_ms < edge_ms - span_ms).saturating_sub(1);
    sawtooth(samples.range(first..), edge_ms)
}

/// The age of the newest data over time: it grows with the clock and falls with each event. The age just before an
/// event and just after it are two points.
pub fn sawtooth<'a>(samples: impl Iterator<Item = &'a Sample>, edge_ms: f64) -> Vec<Point> {
    let mut teeth = Vec::new();
    let mut before: Option<&Sample> = None;
    let age = |sample: &Sample, ms: f64| ms - sample.applied_ms + f64::from(sample.latency_ms);
    for sample in samples {
        if let Some(before) = before {
            teeth.push((sample.applied_ms, age(before, sample.applied_ms)));
        }
        teeth.push((sample.applied_ms, f64::from(sample.latency_ms)));
        before = Some(sample);
    }
    if let Some(before) = before {
        teeth.push((edge_ms, age(before, edge_ms)));
    }
    teeth
}

fn ink(context: &CanvasRenderingContext2d, token: &'static str) {
    let color = theme::color(token);
    context.set_stroke_style_str(&color);
    context.set_fill_style_str(&color);
    context.set_line_width(1.75);
    context.set_line_join("round");
}

fn horizontal(context: &CanvasRenderingContext2d, size: (f64, f64), y: &Axis, marks: &[(f64, String)]) {
    rule(context);
    context.set_text_align("right");
    context.set_text_baseline("middle");
    context.begin_path();
    for (value, words) in marks {
        let py = y.px(*value).round() + 0.5;
        context.move_to(LEFT, py);
        context.line_to(size.0 - RIGHT, py);
        let _ = context.fill_text(words, LEFT - 6.0, py);
    }
    context.stroke();
}

fn vertical(context: &CanvasRenderingContext2d, size: (f64, f64), x: &Axis, marks: &[(f64, String)]) {
    rule(context);
    context.set_text_align("center");
    context.set_text_baseline("alphabetic");
    context.begin_path();
    for (value, words) in marks {
        let px = x.px(*value).round() + 0.5;
        context.move_to(px, TOP);
        context.line_to(px, size.1 - BOTTOM);
        let _ = context.fill_text(words, px.min(size.0 - 18.0).max(LEFT), size.1 - 5.0);
    }
    context.stroke();
}

/// The user's own limit, across the picture.
fn limit(context: &CanvasRenderingContext2d, size: (f64, f64), at: f64, upright: bool) {
    context.set_stroke_style_str(&theme::color("--text"));
    context.set_fill_style_str(&theme::color("--text"));
    context.set_line_width(1.0);
    Dash::Dashed.apply(context);
    context.begin_path();
    if upright {
        context.move_to(at, TOP);
        context.line_to(at, size.1 - BOTTOM);
    } else {
        context.move_to(LEFT, at);
        context.line_to(size.0 - RIGHT, at);
    }
    context.stroke();
    Dash::Solid.apply(context);
    context.set_text_align(if upright && at < size.0 / 2.0 { "left" } else { "right" });
    context.set_text_baseline("bottom");
    let (tx, ty) = match upright {
        true if at < size.0 / 2.0 => (at + 5.0, size.1 - BOTTOM - 4.0),
        true => (at - 5.0, size.1 - BOTTOM - 4.0),
        // Below the line where there is no room above it.
        false => (size.0 - RIGHT - 4.0, if at < TOP + 14.0 { at + 16.0 } else { at - 2.0 }),
    };
    let _ = context.fill_text("your limit", tx, ty);
}

fn rule(context: &CanvasRenderingContext2d) {
    context.set_stroke_style_str(&theme::color("--grid"));
    context.set_fill_style_str(&theme::color("--muted"));
    context.set_line_width(1.0);
}

#[cfg(test)]
mod tests {
    use fourwire_shared::{Seq, Wire};

    use super::*;

    #[test]
    fn narrow_teeth_keep_their_crests_and_wide_ones_all() {
        let narrow: Vec<Point> = (0..100).map(|index| (f64::from(index), f64::from(index % 3))).collect();
        assert!(crests(narrow).iter().all(|point| point.1 == 0.0));
        let polled: Vec<Point> =
            (0..40).map(|index| (f64::from(index / 20) * 90.0, f64::from(index % 20))).collect();
        assert_eq!(crests(polled.clone()), polled);
        assert_eq!(crests(vec![]), []);
    }

    #[test]
    fn polling_draws_a_sawtooth() {
        let sample = |applied_ms, latency_ms| Sample {
            seq: Seq::ZERO,
            at_us: 0,
            applied_ms,
            latency_ms,
            wire: Wire::Poll,
            aside: false,
        };
        let samples = [sample(1_000.0, 900.0), sample(1_000.0, 400.0), sample(2_000.0, 100.0)];
        assert_eq!(
            sawtooth(samples.iter(), 2_500.0),
            [
                (1_000.0, 900.0),
                (1_000.0, 900.0),
                (1_000.0, 400.0),
                (2_000.0, 1_400.0),
                (2_000.0, 100.0),
                (2_500.0, 600.0)
            ]
        );
    }
}
