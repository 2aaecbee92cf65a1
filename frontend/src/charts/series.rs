//! What a chart draws: named points over time.

use std::rc::Rc;

use super::marks::Dash;

/// A point: milliseconds since the Unix epoch by the server's clock, and the value; not a number where there is none.
pub type Sample = (f64, f64);

/// One line of a chart. Cloning copies pointers.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Its name in the legend.
    pub name: Rc<str>,
    /// The CSS custom property of its colour, for example `--wire-sse`.
    pub token: &'static str,
    /// Its line style, which carries the meaning for those who do not see the hue.
    pub dash: Dash,
    /// Its points, oldest first.
    pub points: Rc<Vec<Sample>>,
}

impl Series {
    /// A solid line.
    pub fn new(name: impl Into<Rc<str>>, token: &'static str, points: Rc<Vec<Sample>>) -> Self {
        Self { name: name.into(), token, dash: Dash::Solid, points }
    }

    /// With another line style.
    #[must_use]
    pub fn dash(mut self, dash: Dash) -> Self {
        self.dash = dash;
        self
    }
}

/// The points from `since` on, and the one before it, so that the line reaches the edge.
pub fn visible(points: &[Sample], since: f64) -> &[Sample] {
    let first = points.partition_point(|point| point.0 < since);
    &points[first.saturating_sub(1)..]
}

/// The point nearest to `instant`, if it is no further than `within` milliseconds.
pub fn nearest(points: &[Sample], instant: f64, within: f64) -> Option<Sample> {
    let after = points.partition_point(|point| point.0 < instant);
    let candidates = [after.checked_sub(1).and_then(|before| points.get(before)), points.get(after)];
    let distance = |point: &Sample| (point.0 - instant).abs();
    candidates
        .into_iter()
        .flatten()
        .min_by(|a, b| distance(a).total_cmp(&distance(b)))
        .filter(|point| distance(point) <= within)
        .copied()
}

/// The instant of the neighbouring point in the direction of `step` (−1 or 1), starting from `instant`.
pub fn neighbour(points: &[Sample], instant: f64, step: i32) -> Option<f64> {
    let at = if step < 0 {
        points.partition_point(|point| point.0 < instant - 0.5).checked_sub(1)
    } else {
        Some(points.partition_point(|point| point.0 <= instant + 0.5))
    };
    at.and_then(|index| points.get(index)).map(|point| point.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const POINTS: [Sample; 4] = [(1_000.0, 1.0), (2_000.0, 2.0), (3_000.0, 3.0), (9_000.0, 9.0)];

    #[test]
    fn the_line_reaches_the_left_edge() {
        assert_eq!(visible(&POINTS, 2_500.0), &POINTS[1..]);
        assert_eq!(visible(&POINTS, 0.0), &POINTS[..]);
        assert_eq!(visible(&[], 0.0), &[]);
    }

    #[test]
    fn hovering_finds_the_nearest_point_but_not_one_across_a_gap() {
        assert_eq!(nearest(&POINTS, 2_400.0, 1_000.0), Some(POINTS[1]));
        assert_eq!(nearest(&POINTS, 6_000.0, 1_000.0), None);
        assert_eq!(nearest(&[], 0.0, 1_000.0), None);
    }

    #[test]
    fn arrow_keys_walk_from_point_to_point() {
        assert_eq!(neighbour(&POINTS, 2_000.0, 1), Some(3_000.0));
        assert_eq!(neighbour(&POINTS, 2_000.0, -1), Some(1_000.0));
        assert_eq!(neighbour(&POINTS, 1_000.0, -1), None);
        assert_eq!(neighbour(&POINTS, 9_000.0, 1), None);
    }
}
