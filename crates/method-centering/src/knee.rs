//! The knee of a falling convex curve.

/// How far below a maximum a knee is confirmed, in mean distances of abscissas: the method's authors' `S`, as spectral tempering has it.
const SENSITIVITY: f64 = 0.5;

/// The place where a falling curve bends most, after Satopää, Albrecht, Irwin, Raghavan, "Finding a 'Kneedle' in a Haystack", ICDCS
/// Workshops 2011: with both axes scaled to run from 0 to 1, the first local maximum of the distance to the diagonal behind which the
/// distance falls by half of a step, or below zero behind a minimum. None of a curve that has no such place, or is level.
pub(crate) fn knee(curve: &[f64]) -> Option<usize> {
    let high = curve.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let low = curve.iter().copied().fold(f64::INFINITY, f64::min);
    if curve.len() < 2 || high <= low {
        return None;
    }
    let step = 1.0 / (curve.len() - 1) as f64;
    let distance = |(i, y): (usize, &f64)| 1.0 - (y - low) / (high - low) - i as f64 * step;
    let distances: Vec<f64> = curve.iter().enumerate().map(distance).collect();
    let mut found = None;
    for i in 0..distances.len() - 1 {
        let (now, next) = (distances[i], distances[i + 1]);
        let before = distances[i.saturating_sub(1)];
        if now >= before && now >= next {
            found = Some((i, now - SENSITIVITY * step));
        }
        if now <= before && now <= next {
            found = found.map(|(place, _)| (place, 0.0));
        }
        if let Some((place, threshold)) = found
            && next < threshold
        {
            return Some(place);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bend_is_found() {
        // Falls by three for two steps, then by little: the third place is farthest from the diagonal.
        assert_eq!(knee(&[7.0, 4.0, 1.0, 0.8, 0.6, 0.4, 0.2, 0.0]), Some(2));
        let hyperbola: Vec<f64> = (1..=100).map(|i| 1.0 / f64::from(i)).collect();
        // On it the distance is largest where its slope is the diagonal's, near the root of the number of places.
        assert_eq!(knee(&hyperbola), Some(9));
    }

    #[test]
    fn level_short_and_straight_curves_have_none() {
        assert_eq!(knee(&[]), None);
        assert_eq!(knee(&[1.0]), None);
        assert_eq!(knee(&[2.0; 9]), None);
        assert_eq!(knee(&[4.0, 3.0, 2.0, 1.0, 0.0]), None);
    }
}
