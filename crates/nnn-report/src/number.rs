//! Numbers as people read them.

/// Which of two values of a metric is the better one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Goal {
    Higher,
    Lower,
}

/// Metrics from 0 to 1 that are shown in percent and are better when higher.
const PERCENT: [&str; 6] = ["R@", "P@", "mAP@", "nDCG@", "MRR", "precision@"];

/// Shares from 0 to 1 that are shown in percent too, and are better when lower.
const SHARES: [&str; 4] = ["gini@", "robin_hood@", "antihub@", "hub_share@"];

/// The smallest p-value that is printed as a number, and what is printed below it.
const SMALLEST_P: (f64, &str) = (0.0001, "<1e-4");

/// Prefixes of the metrics that are better when lower: ranks and hubness.
const LOWER: [&str; 4] = ["MedR", "MeanR", "k_", "bias@"];

fn starts(metric: &str, prefixes: &[&str]) -> bool {
    prefixes.iter().any(|prefix| metric.starts_with(prefix))
}

/// The goal of a metric; absent for a metric this crate does not know.
pub(crate) fn goal(metric: &str) -> Option<Goal> {
    if starts(metric, &PERCENT) {
        Some(Goal::Higher)
    } else if starts(metric, &LOWER) || starts(metric, &SHARES) {
        Some(Goal::Lower)
    } else {
        None
    }
}

/// What a metric's values are multiplied by when shown; `gain:R@1` and its like as the metric itself.
pub(crate) fn scale(metric: &str) -> f64 {
    let metric = metric.rsplit(':').next().unwrap_or(metric);
    let percent = starts(metric, &PERCENT) || starts(metric, &SHARES);
    if percent { 100.0 } else { 1.0 }
}

/// A value with two decimals, in percent where the metric is shown so.
pub(crate) fn shown(metric: &str, value: f64) -> String {
    unsigned_zero(format!("{:.2}", scale(metric) * value))
}

/// A difference with its sign and two decimals, in percentage points where the metric is shown in percent.
pub(crate) fn signed(metric: &str, difference: f64) -> String {
    let text = format!("{:+.2}", scale(metric) * difference);
    if text == "-0.00" {
        "+0.00".to_owned()
    } else {
        text
    }
}

fn unsigned_zero(text: String) -> String {
    if text == "-0.00" {
        "0.00".to_owned()
    } else {
        text
    }
}

/// A p-value with four decimals.
pub(crate) fn p_value(p: f64) -> String {
    match p {
        p if p < SMALLEST_P.0 => SMALLEST_P.1.to_owned(),
        p => format!("{p:.4}"),
    }
}

/// A count with commas between thousands: `25,010`.
pub(crate) fn grouped(count: usize) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The values of an iterator, each once, in the order of their first appearance.
pub(crate) fn distinct<T: PartialEq>(values: impl Iterator<Item = T>) -> Vec<T> {
    let mut seen = Vec::new();
    for value in values {
        if !seen.contains(&value) {
            seen.push(value);
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped() {
        let texts = [0, 999, 1000, 25_010, 1_234_567].map(grouped);
        assert_eq!(texts, ["0", "999", "1,000", "25,010", "1,234,567"]);
    }

    #[test]
    fn fractions_are_percent_and_hubness_is_not() {
        assert_eq!(shown("R@1", 0.304_31), "30.43");
        assert_eq!(shown("k_max@1", 162.0), "162.00");
        assert_eq!(shown("antihub@10", 0.125), "12.50");
        assert_eq!(goal("antihub@10"), Some(Goal::Lower));
        assert_eq!(signed("R@1", 0.071), "+7.10");
        assert_eq!(signed("R@1", -1e-9), "+0.00");
        assert_eq!(shown("k_skewness@10", -1e-9), "0.00");
    }
}
