//! Numbers as people read them.

/// Which of two values of a metric is the better one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Goal {
    Higher,
    Lower,
    Zero,
}

/// Metrics from 0 to 1 that are shown in percent and are better when higher.
const PERCENT: &[&str] = &["R@", "P@", "mAP@", "nDCG@", "nDCG_exp@", "MRR"];

/// Shares from 0 to 1 that are shown in percent too, and are better when lower.
const SHARES: &[&str] = &["gini@", "robin_hood@", "antihub@", "hub_share@"];

/// The smallest p-value that is printed as a number, and what is printed below it.
const SMALLEST_P: (f64, &str) = (0.0001, "<1e-4");

/// Prefixes of the metrics that are better when lower: ranks, hubness, sizes of biases, standard deviations.
const LOWER: &[&str] = &[
    "MedR",
    "MeanR",
    "k_",
    "abs_bias@",
    "max_skew@",
    "NDKL",
    "sd(",
];

/// Prefixes of the metrics that are best at 0.
const ZERO: &[&str] = &["bias@", "class_bias@", "skew@"];

/// Prefixes of the metrics of groups that are shown with three decimals, as the NNN paper prints its biases.
const THIRD_DECIMAL: &[&str] = &[
    "bias@",
    "abs_bias@",
    "class_bias@",
    "skew@",
    "max_skew@",
    "NDKL",
];

fn starts(metric: &str, prefixes: &[&str]) -> bool {
    prefixes.iter().any(|prefix| metric.starts_with(prefix))
}

/// The goal of a metric; absent for a metric this crate does not know.
pub(crate) fn goal(metric: &str) -> Option<Goal> {
    if starts(metric, PERCENT) {
        Some(Goal::Higher)
    } else if starts(metric, LOWER) || starts(metric, SHARES) {
        Some(Goal::Lower)
    } else if starts(metric, ZERO) {
        Some(Goal::Zero)
    } else {
        None
    }
}

/// How good a value of a metric is: the higher, the better.
pub(crate) fn merit(metric: &str, value: f64) -> f64 {
    match goal(metric) {
        Some(Goal::Lower) => -value,
        Some(Goal::Zero) => -value.abs(),
        Some(Goal::Higher) | None => value,
    }
}

/// The metric itself, or the one that a standard deviation, a gain (`gain:R@1`) or a search (`exact_search:R@1`) is of.
fn measured(metric: &str) -> &str {
    let metric = metric.rsplit(':').next().unwrap_or(metric);
    metric.strip_prefix("sd(").unwrap_or(metric)
}

fn decimals(metric: &str) -> usize {
    if starts(measured(metric), THIRD_DECIMAL) {
        3
    } else {
        2
    }
}

/// What a metric's values are multiplied by when shown.
pub(crate) fn scale(metric: &str) -> f64 {
    let metric = measured(metric);
    let percent = starts(metric, PERCENT) || starts(metric, SHARES);
    if percent { 100.0 } else { 1.0 }
}

/// A value with two decimals (three for metrics of groups), in percent where the metric is shown so.
pub(crate) fn shown(metric: &str, value: f64) -> String {
    let text = format!("{:.1$}", scale(metric) * value, decimals(metric));
    match text.strip_prefix('-') {
        Some(size) if is_zero(size) => size.to_owned(),
        _ => text,
    }
}

/// What of a shown value decides which is best: without its sign, where the metric is best at 0.
pub(crate) fn judged(metric: &str, value: f64) -> String {
    match goal(metric) {
        Some(Goal::Zero) => shown(metric, value.abs()),
        _ => shown(metric, value),
    }
}

/// The best of some values as it is printed, without its sign if the metric is best at 0; nothing for a metric without a
/// goal, or for fewer than two values.
pub(crate) fn best(metric: &str, values: impl Iterator<Item = f64>) -> Option<String> {
    let goal = goal(metric)?;
    let values: Vec<_> = values.collect();
    let several = values.len() > 1;
    let best = match goal {
        Goal::Higher => values.into_iter().reduce(f64::max),
        Goal::Lower => values.into_iter().reduce(f64::min),
        Goal::Zero => values.into_iter().map(f64::abs).reduce(f64::min),
    };
    best.filter(|_| several).map(|value| judged(metric, value))
}

/// A difference with its sign and as many decimals, in percentage points where the metric is shown in percent.
pub(crate) fn signed(metric: &str, difference: f64) -> String {
    let text = format!("{:+.1$}", scale(metric) * difference, decimals(metric));
    match text.strip_prefix('-') {
        Some(size) if is_zero(size) => format!("+{size}"),
        _ => text,
    }
}

fn is_zero(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b'0' | b'.'))
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

    #[test]
    fn biases_have_the_papers_decimals_and_are_best_at_zero() {
        assert_eq!(shown("bias@6", 48.0 / 138.0), "0.348");
        assert_eq!(shown("bias@6", -1e-9), "0.000");
        assert_eq!(signed("bias@6", -1e-9), "+0.000");
        assert_eq!(shown("sd(R@1)", 0.25), "25.00");
        assert_eq!(shown("sd(bias@6)", 0.25), "0.250");
        assert_eq!(judged("class_bias@5", -0.2), judged("class_bias@5", 0.2));
        assert_ne!(judged("R@1", -0.2), judged("R@1", 0.2));
        let goals = [
            "bias@6",
            "skew@5",
            "abs_bias@6",
            "max_skew@5",
            "sd(bias@6)",
            "sd(R@1)",
        ]
        .map(goal);
        let (zero, lower) = (Some(Goal::Zero), Some(Goal::Lower));
        assert_eq!(goals, [zero, zero, lower, lower, lower, lower]);
    }
}
