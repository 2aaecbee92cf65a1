//! Scales: from values to places on an axis, and where the axis gets its ticks.
//!
//! Pure arithmetic on `f64`: no canvas, no browser, no units. Whole powers go through `powi`: `powf` with a constant base
//! becomes `exp2`, whose table is 4 kB that do not compress.

/// How the vertical axis of a chart is chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scale {
    /// From zero to a round number above the largest value in sight.
    Auto,
    /// Fixed ends, for values with a natural bound.
    Fixed(f64, f64),
}

/// A linear or logarithmic map from `from..to` (values) to `start..end` (pixels).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Axis {
    from: f64,
    to: f64,
    start: f64,
    end: f64,
    log: bool,
}

impl Axis {
    /// A linear axis. `from == to` is widened, so that the map is always defined.
    pub fn linear(from: f64, to: f64, start: f64, end: f64) -> Self {
        let to = if to > from { to } else { from + 1.0 };
        Self { from, to, start, end, log: false }
    }

    /// A logarithmic axis; both ends are raised to at least 1e-9.
    pub fn log(from: f64, to: f64, start: f64, end: f64) -> Self {
        let from = from.max(1e-9);
        let to = if to > from { to } else { from * 10.0 };
        Self { from, to, start, end, log: true }
    }

    /// The lower end of the values.
    pub fn from(&self) -> f64 {
        self.from
    }

    /// The upper end of the values.
    pub fn to(&self) -> f64 {
        self.to
    }

    /// The pixel of a value; values outside the ends land outside the pixels.
    pub fn px(&self, value: f64) -> f64 {
        let share = if self.log {
            (value.max(self.from * 1e-3) / self.from).ln() / (self.to / self.from).ln()
        } else {
            (value - self.from) / (self.to - self.from)
        };
        self.start + share * (self.end - self.start)
    }

    /// The value at a pixel: the inverse of [`Axis::px`].
    pub fn value(&self, px: f64) -> f64 {
        let share = (px - self.start) / (self.end - self.start);
        if self.log {
            self.from * (share * (self.to / self.from).ln()).exp()
        } else {
            self.from + share * (self.to - self.from)
        }
    }
}

/// The least 1, 2 or 5 times a power of ten that is not below `value`.
pub fn nice_ceil(value: f64) -> f64 {
    if !(value.is_finite() && value > 0.0) {
        return 1.0;
    }
    let power = 10f64.powi(value.log10().floor() as i32);
    // A hair of tolerance: 0.3 / 0.1 is not 3 in binary.
    let factor = [1.0, 2.0, 5.0, 10.0].into_iter().find(|factor| factor * power >= value * (1.0 - 1e-9));
    factor.unwrap_or(10.0) * power
}

/// Round values between `from` and `to`, about `count` of them, ends included where they are round.
pub fn ticks(from: f64, to: f64, count: usize) -> Vec<f64> {
    if to.total_cmp(&from).is_le() || count == 0 {
        return Vec::new();
    }
    let step = nice_ceil((to - from) / count as f64);
    let first = (from / step - 1e-9).ceil();
    let last = (to / step + 1e-9).floor();
    let many = ((last - first) as usize).min(4 * count);
    (0..=many).map(|index| (first + index as f64) * step).filter(|tick| *tick <= to + step * 1e-9).collect()
}

/// The powers of ten between `from` and `to`.
pub fn decades(from: f64, to: f64) -> Vec<f64> {
    if !(from > 0.0 && to > from) {
        return Vec::new();
    }
    let first = (from.log10() - 1e-9).ceil() as i32;
    let last = (to.log10() + 1e-9).floor() as i32;
    (first..=last).map(|power| 10f64.powi(power)).collect()
}

/// The distance in seconds of time ticks on a window of `window_s` seconds with room for `count` labels.
pub fn time_step_s(window_s: f64, count: usize) -> f64 {
    const STEPS: [f64; 12] = [1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0, 3_600.0];
    let least = window_s / count.max(1) as f64;
    STEPS.into_iter().find(|step| *step >= least).unwrap_or(3_600.0)
}

/// The range of a vertical axis for values up to `max`: it ends on a tick. `kibi` rounds to powers of two, whose
/// quarters are round numbers of bytes too.
pub fn range(scale: Scale, max: f64, kibi: bool) -> (f64, f64) {
    match scale {
        Scale::Fixed(from, to) => (from, to),
        Scale::Auto if kibi => (0.0, 2f64.powi((max * 1.02).max(1_024.0).log2().ceil() as i32)),
        Scale::Auto if max.is_finite() && max > 0.0 => {
            let step = nice_ceil(max * 1.02 / TICKS as f64);
            (0.0, (max * 1.02 / step).ceil() * step)
        }
        Scale::Auto => (0.0, 1.0),
    }
}

/// Ticks that a vertical axis has about.
pub const TICKS: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_maps_there_and_back() {
        for axis in [Axis::linear(-5.0, 20.0, 100.0, 10.0), Axis::log(0.1, 1_000.0, 0.0, 300.0)] {
            for value in [0.5, 3.0, 17.0] {
                assert!((axis.value(axis.px(value)) - value).abs() < 1e-9, "{axis:?} {value}");
            }
            assert_eq!(axis.px(axis.from()), if axis.log { 0.0 } else { 100.0 });
        }
        assert!(Axis::linear(3.0, 3.0, 0.0, 10.0).px(3.0).is_finite());
        assert!(Axis::log(0.0, 0.0, 0.0, 10.0).px(0.0).is_finite());
    }

    #[test]
    fn ceilings_are_one_two_or_five() {
        for (value, nice) in
            [(0.3, 0.5), (1.0, 1.0), (1.1, 2.0), (4.0, 5.0), (73.0, 100.0), (0.0, 1.0), (f64::NAN, 1.0)]
        {
            assert!((nice_ceil(value) - nice).abs() < 1e-12, "{value}: {}", nice_ceil(value));
        }
    }

    #[test]
    fn ticks_are_round_and_within_the_ends() {
        assert_eq!(ticks(0.0, 100.0, 4), [0.0, 50.0, 100.0]);
        assert_eq!(ticks(0.0, 1.0, 5), [0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0]);
        assert_eq!(ticks(3.0, 3.0, 4), [] as [f64; 0]);
        assert_eq!(decades(0.5, 2_000.0), [1.0, 10.0, 100.0, 1_000.0]);
        assert_eq!(time_step_s(300.0, 5), 60.0);
        assert_eq!(time_step_s(10.0, 6), 2.0);
    }

    #[test]
    fn bytes_are_rounded_in_their_own_unit() {
        for (max, top) in
            [(0.0, 1_024.0), (300.0 * 1_024.0, 512.0 * 1_024.0), (1_000.0 * 1_024.0, 1_048_576.0)]
        {
            assert_eq!(range(Scale::Auto, max, true), (0.0, top));
        }
    }

    #[test]
    fn an_axis_ends_on_a_tick() {
        for (max, top) in [(0.42, 0.6), (2.1, 3.0), (97.0, 100.0), (8.04, 10.0), (0.0, 1.0), (f64::NAN, 1.0)]
        {
            let (_, end) = range(Scale::Auto, max, false);
            assert!((end - top).abs() < 1e-9, "{max}: {end}");
        }
        assert_eq!(range(Scale::Fixed(0.0, 100.0), 300.0, false), (0.0, 100.0));
    }
}
