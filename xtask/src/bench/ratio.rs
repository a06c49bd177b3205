//! Figures of several rounds as minimum, median and maximum.

use std::fmt;

/// What a series of rounds gave.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    pub(crate) minimum: f64,
    pub(crate) median: f64,
    pub(crate) maximum: f64,
}

/// How many times the first is the second, round by round, so that a load that comes and goes weighs on both.
pub(crate) fn ratios(first: &[f64], second: &[f64]) -> Option<Spread> {
    let each: Vec<f64> = first
        .iter()
        .zip(second)
        .map(|(first, second)| first / second)
        .collect();
    spread(&each)
}

/// The spread of a series; nothing of an empty one.
pub(crate) fn spread(figures: &[f64]) -> Option<Spread> {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (minimum, maximum) = (*sorted.first()?, *sorted.last()?);
    let middle = sorted.len() / 2;
    let median = if sorted.len() % 2 == 1 {
        sorted[middle]
    } else {
        f64::midpoint(sorted[middle - 1], sorted[middle])
    };
    Some(Spread {
        minimum,
        median,
        maximum,
    })
}

/// The value below which this share (0 to 1) of the figures lies, by nearest rank; nothing of an empty series.
pub(crate) fn percentile(figures: &[f64], share: f64) -> Option<f64> {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied()
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.2} / {:.2} / {:.2}",
            self.minimum, self.median, self.maximum
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_series_lies_between_its_middle_two() {
        let spread = spread(&[4.0, 1.0, 3.0, 2.0]).unwrap();
        assert_eq!((spread.minimum, spread.median, spread.maximum), (1.0, 2.5, 4.0));
        assert_eq!(spread.to_string(), "1.00 / 2.50 / 4.00");
    }

    #[test]
    fn ratios_pair_the_rounds() {
        let spread = ratios(&[10.0, 30.0], &[5.0, 10.0]).unwrap();
        assert_eq!((spread.minimum, spread.maximum), (2.0, 3.0));
        assert_eq!(ratios(&[], &[]), None);
    }

    #[test]
    fn the_99th_percentile_of_a_hundred_is_the_last_but_one() {
        let figures: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(percentile(&figures, 0.99), Some(99.0));
        assert_eq!(percentile(&[7.0], 0.99), Some(7.0));
        assert_eq!(percentile(&[], 0.99), None);
    }
}
