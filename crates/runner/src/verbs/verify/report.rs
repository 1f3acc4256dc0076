//! How answers compare, in words.

use nnn_export::{Answer, Difference, Judged, List, judge};
use nnn_files::counted;
use std::fmt::Write;

/// The answers of all queries beside their exact lists.
pub(super) struct Report<'a> {
    k: usize,
    judged: Vec<(&'a Answer, Judged)>,
}

/// How many differences are shown.
const SHOWN: usize = 5;

impl<'a> Report<'a> {
    pub(super) fn new(k: usize, answers: &'a [Answer], lists: &[List]) -> Self {
        let judged = answers.iter().zip(lists);
        let judged = judged.map(|(answer, list)| (answer, judge(list, k)));
        Self {
            k,
            judged: judged.collect(),
        }
    }

    fn share(&self, value: impl Fn(&Judged) -> f64) -> f64 {
        let values = self.judged.iter().map(|(_, judged)| value(judged));
        values.sum::<f64>() / self.judged.len() as f64
    }

    fn recall(&self) -> f64 {
        self.share(|it| it.recall)
    }

    /// The share of queries whose answers stand in the corrected order.
    fn ordered(&self) -> f64 {
        self.share(|it| f64::from(u8::from(it.ordered)))
    }

    /// The share of queries whose answers are the exact list, ties aside.
    fn equal(&self) -> f64 {
        self.share(|it| f64::from(u8::from(it.differences.iter().all(|it| it.tie))))
    }

    pub(super) fn reaches(&self, least: f64) -> bool {
        self.recall() >= least && self.ordered() >= least
    }

    pub(super) fn text(&self) -> String {
        let k = self.k;
        let mut text = format!(
            "{}: recall@{k} {:.4}, order kept {:.4}, exact list {:.4}",
            counted(self.judged.len(), "query"),
            self.recall(),
            self.ordered(),
            self.equal()
        );
        let each = self.judged.iter();
        let differ =
            each.flat_map(|(answer, it)| it.differences.iter().map(move |it| (answer, it)));
        let (ties, others): (Vec<_>, Vec<_>) = differ.partition(|(_, it)| it.tie);
        let all = ties.len() + others.len();
        if all > 0 {
            // Writing to a String cannot fail.
            let _ = write!(
                text,
                "\n{} differ, {} of them by a tie within f32 rounding",
                counted(all, "place"),
                ties.len()
            );
        }
        for (answer, difference) in others.into_iter().chain(ties).take(SHOWN) {
            let _ = write!(text, "\n  {}", line(answer, difference));
        }
        text
    }
}

fn line(answer: &Answer, difference: &Difference) -> String {
    let Difference {
        place,
        answered,
        exact,
        tie,
    } = difference;
    let own = answer.scores.as_ref().map_or(String::new(), |scores| {
        format!(", the engine's own score {}", scores[place - 1])
    });
    let verdict = match tie {
        true => "a tie within f32 rounding",
        false => "no tie",
    };
    format!(
        "query {}, place {place}: {} (exact score {:.7}{own}) where {} ({:.7}) stands: {verdict}",
        answer.query, answered.id, answered.score, exact.id, exact.score
    )
}
