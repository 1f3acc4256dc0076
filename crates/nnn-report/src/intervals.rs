//! Which interval stands beside a number, in words.

use crate::number::{distinct, grouped};
use crate::record::ScoreRow;

/// What a bootstrap resamples, and how many there are: `resampled by image (n = 1,000)`.
pub(crate) fn resampled(cluster: &str, count: usize) -> String {
    format!("resampled by {cluster} (n = {})", grouped(count))
}

/// What ± is in a table of proportions, and how the bootstrap interval of the same numbers differs.
pub(crate) fn binomial_notes(rows: &[&ScoreRow]) -> Vec<String> {
    let mut notes = vec![
        "±: half the width of the 95 % binomial (normal) interval of a proportion, 1.96 sqrt(p(1 - p)/n), as in the NNN paper, which takes all n queries for independent.".to_owned(),
    ];
    let rows = rows.iter().filter(|row| row.ci.is_some());
    let clusters = rows.map(|row| (row.cluster.as_str(), row.n_clusters, row.n_queries));
    let other = |(cluster, count, queries): &(&str, usize, usize)| {
        let reason = match count < queries {
            true => format!(
                " and as a rule wider, the more so the fewer there are: queries of one {cluster} are not independent"
            ),
            false => String::new(),
        };
        format!(
            "The bootstrap interval of the same numbers, in scores.csv and in what a run prints, is {}{reason}.",
            resampled(cluster, *count)
        )
    };
    notes.extend(distinct(clusters).iter().map(other));
    notes
}
