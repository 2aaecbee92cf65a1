//! Distributions without buckets: percentiles and the empirical cumulative distribution.

/// Sorts in place; values that are no numbers go last.
pub fn sort(values: &mut [f32]) {
    values.sort_unstable_by(f32::total_cmp);
}

/// Sorts a handful of items: an insertion sort, where the library's would weigh kilobytes of WASM for each type.
pub fn sort_few<T>(items: &mut [T], key: fn(&T) -> f64) {
    for end in 1..items.len() {
        let mut place = end;
        while place > 0 && key(&items[place - 1]) > key(&items[place]) {
            items.swap(place - 1, place);
            place -= 1;
        }
    }
}

/// The value at `share` (0–1) of sorted values, by nearest rank: always a value that was measured.
pub fn percentile(sorted: &[f32], share: f64) -> Option<f32> {
    if sorted.is_empty() {
        return None;
    }
    let rank = (share * sorted.len() as f64).ceil().max(1.0) as usize;
    sorted.get(rank.min(sorted.len()) - 1).copied()
}

/// Steps `(value, share of values at or below it)` of sorted values, at most `most` of them, ends included.
pub fn steps(sorted: &[f32], most: usize) -> Vec<(f64, f64)> {
    let n = sorted.len();
    if n == 0 || most == 0 {
        return Vec::new();
    }
    let stride = n.div_ceil(most).max(1);
    let mut steps: Vec<(f64, f64)> = (0..n)
        .step_by(stride)
        .map(|index| (f64::from(sorted[index]), (index + 1) as f64 / n as f64))
        .collect();
    if steps.last().is_some_and(|step| step.1 < 1.0) {
        steps.push((f64::from(sorted[n - 1]), 1.0));
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_measured_values() {
        let mut values: Vec<f32> = (1..=100).rev().map(|value| value as f32).collect();
        sort(&mut values);
        for (share, expected) in [(0.5, 50.0), (0.95, 95.0), (0.99, 99.0), (0.0, 1.0), (1.0, 100.0)] {
            assert_eq!(percentile(&values, share), Some(expected));
        }
        assert_eq!(percentile(&[], 0.5), None);
        assert_eq!(percentile(&[7.0], 0.99), Some(7.0));
    }

    #[test]
    fn a_handful_is_sorted_and_equals_keep_their_order() {
        let mut items = [(3, 'a'), (1, 'b'), (3, 'c'), (2, 'd')];
        sort_few(&mut items, |item| f64::from(item.0));
        assert_eq!(items, [(1, 'b'), (2, 'd'), (3, 'a'), (3, 'c')]);
    }

    #[test]
    fn steps_reach_one_and_stay_few() {
        let values: Vec<f32> = (0..1_000).map(|value| value as f32).collect();
        let steps = steps(&values, 100);
        assert!(steps.len() <= 101);
        assert_eq!(steps.last(), Some(&(999.0, 1.0)));
        assert!(steps.windows(2).all(|pair| pair[0].1 < pair[1].1 && pair[0].0 <= pair[1].0));
    }
}
