//! Quantiles of a histogram.

/// The value that `share` of what was counted does not exceed, as far as bounds tell: between two
/// of them it is as if all had been spread evenly, and above the last one it is that one. Nothing
/// where nothing was counted.
///
/// `cumulative` has one number more than `bounds`: all.
pub(super) fn quantile(bounds: &[f64], cumulative: &[f64], share: f64) -> Option<f64> {
    let all = cumulative.last().copied().filter(|all| *all > 0.0)?;
    let rank = share * all;
    let (mut below, mut counted) = (0.0, 0.0);
    for (bound, up_to) in bounds.iter().zip(cumulative) {
        if *up_to >= rank && *up_to > counted {
            return Some(below + (bound - below) * (rank - counted) / (up_to - counted));
        }
        (below, counted) = (*bound, *up_to);
    }
    bounds.last().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: &[f64] = &[10.0, 20.0, 40.0];

    #[track_caller]
    fn check(cumulative: &[f64], share: f64, expected: Option<f64>) {
        let found = quantile(BOUNDS, cumulative, share);
        assert!(
            match (found, expected) {
                (Some(found), Some(expected)) => (found - expected).abs() < 1e-9,
                (None, None) => true,
                _ => false,
            },
            "{cumulative:?} {share}: {found:?}, not {expected:?}"
        );
    }

    #[test]
    fn quantile_lies_between_the_bounds_that_hold_it() {
        check(&[0.0, 0.0, 0.0, 0.0], 0.5, None);
        check(&[10.0, 10.0, 10.0, 10.0], 0.5, Some(5.0));
        check(&[0.0, 10.0, 10.0, 10.0], 0.5, Some(15.0));
        check(&[5.0, 5.0, 10.0, 10.0], 0.95, Some(38.0));
        check(&[0.0, 0.0, 0.0, 3.0], 0.5, Some(40.0));
        check(&[0.0, 0.0, 4.0, 4.0], 1.0, Some(40.0));
    }
}
