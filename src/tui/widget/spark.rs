//! A curve in one row of text.

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The values as bars between their least and greatest, `width` cells wide: each cell shows the
/// greatest of its values, so that a peak is never lost. A missing value is a space.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "the share is between 0 and 1"
)]
pub(crate) fn sparkline(values: &[Option<f64>], width: usize) -> String {
    let known = || values.iter().flatten().copied().filter(|value| value.is_finite());
    let (low, high) = known().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    let cells = width.min(values.len());
    (0..cells)
        .map(|cell| {
            let part = &values[cell * values.len() / cells..(cell + 1) * values.len() / cells];
            let peak = part.iter().flatten().copied().filter(|value| value.is_finite());
            match peak.reduce(f64::max) {
                None => ' ',
                Some(_) if high <= low => BARS[0],
                Some(value) => BARS[((value - low) / (high - low) * 7.0).round() as usize],
            }
        })
        .collect()
}

/// A sign that turns four times a second.
pub(crate) fn moving(millis: u128) -> char {
    ['⠋', '⠙', '⠸', '⠴'][usize::try_from(millis / 250 % 4).unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peaks_and_gaps_show() {
        let all = |values: &[f64]| values.iter().map(|value| Some(*value)).collect::<Vec<_>>();
        assert_eq!(sparkline(&all(&[0.0, 1.0, 2.0, 7.0]), 9), "▁▂▃█");
        assert_eq!(sparkline(&all(&[0.0, 0.0, 9.0, 0.0]), 2), "▁█");
        assert_eq!(sparkline(&all(&[5.0, 5.0]), 9), "▁▁");
        assert_eq!(sparkline(&[Some(0.0), None, Some(1.0)], 9), "▁ █");
        assert_eq!(sparkline(&[Some(f64::NAN)], 9), " ");
        assert_eq!(sparkline(&[], 9), "");
    }
}
