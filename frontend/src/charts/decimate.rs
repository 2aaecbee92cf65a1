//! At most four points a pixel column: first, lowest, highest and last, so that no peak is lost however many points
//! come. Missing data stays missing: a gap ends the line.

use super::ecdf::sort;

/// A place in the plot, in CSS pixels.
pub type Point = (f64, f64);

/// Splits points (already in pixels, in the order of x) into unbroken lines, thinned to one pixel column.
/// A line is broken where y is not a number, or where two points lie further apart than `gap_px`.
pub fn lines(points: impl IntoIterator<Item = Point>, gap_px: f64) -> Vec<Vec<Point>> {
    let mut lines = Vec::new();
    let mut line = Line::default();
    for (x, y) in points {
        let broken = !y.is_finite() || line.last_x().is_some_and(|last| x - last > gap_px);
        if broken {
            line.finish(&mut lines);
        }
        if y.is_finite() {
            line.push(x, y);
        }
    }
    line.finish(&mut lines);
    lines
}

/// The longest step that still counts as unbroken: two and a half times the median step, so that one lost sample in
/// a regular series shows. Infinite where there are too few points to know.
pub fn gap_limit(times: impl Iterator<Item = f64>) -> f64 {
    let times: Vec<f64> = times.collect();
    let mut steps: Vec<f32> = times.windows(2).map(|pair| (pair[1] - pair[0]) as f32).collect();
    if steps.len() < 3 {
        return f64::INFINITY;
    }
    sort(&mut steps);
    f64::from(steps[steps.len() / 2]) * 2.5
}

/// One line under construction and the column that is being filled.
#[derive(Default)]
struct Line {
    points: Vec<Point>,
    column: Option<Column>,
}

struct Column {
    first: Point,
    low: Point,
    high: Point,
    last: Point,
}

impl Line {
    fn last_x(&self) -> Option<f64> {
        self.column.as_ref().map(|column| column.last.0)
    }

    fn push(&mut self, x: f64, y: f64) {
        let point = (x, y);
        match &mut self.column {
            Some(column) if column.first.0.floor() == x.floor() => {
                if y < column.low.1 {
                    column.low = point;
                }
                if y > column.high.1 {
                    column.high = point;
                }
                column.last = point;
            }
            _ => {
                self.close_column();
                self.column = Some(Column { first: point, low: point, high: point, last: point });
            }
        }
    }

    fn close_column(&mut self) {
        let Some(Column { first, low, high, last }) = self.column.take() else { return };
        let (early, late) = if low.0 <= high.0 { (low, high) } else { (high, low) };
        for point in [first, early, late, last] {
            if self.points.last() != Some(&point) {
                self.points.push(point);
            }
        }
    }

    fn finish(&mut self, lines: &mut Vec<Vec<Point>>) {
        self.close_column();
        if !self.points.is_empty() {
            lines.push(std::mem::take(&mut self.points));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_points_in_a_column_keep_both_peaks() {
        let points = (0..1_000).map(|index| {
            (
                index as f64 / 1_000.0,
                if index == 500 {
                    -9.0
                } else if index == 700 {
                    9.0
                } else {
                    0.0
                },
            )
        });
        let lines = lines(points, f64::INFINITY);
        assert_eq!(lines, [vec![(0.0, 0.0), (0.5, -9.0), (0.7, 9.0), (0.999, 0.0)]]);
    }

    #[test]
    fn a_gap_or_a_missing_value_breaks_the_line() {
        let points = [(0.0, 1.0), (1.0, 1.0), (5.0, 1.0), (6.0, f64::NAN), (7.0, 2.0)];
        assert_eq!(lines(points, 2.0), [vec![(0.0, 1.0), (1.0, 1.0)], vec![(5.0, 1.0)], vec![(7.0, 2.0)]]);
        assert_eq!(lines([], 1.0), [] as [Vec<Point>; 0]);
    }

    #[test]
    fn the_gap_limit_follows_the_usual_step() {
        assert_eq!(gap_limit([0.0, 1.0, 2.0, 3.0, 10.0].into_iter()), 2.5);
        assert_eq!(gap_limit([0.0, 1.0].into_iter()), f64::INFINITY);
    }
}
