//! An engine's answer beside the exact list.

use super::list::{List, Scored};

/// One place at which an engine's answer is not the exact list's.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// The place, from one.
    pub place: usize,
    /// What the engine returned there.
    pub answered: Scored,
    /// What stands there.
    pub exact: Scored,
    /// Whether f32 rounding allows either.
    pub tie: bool,
}

/// How an answer compares.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// The share of the exact top k that the first k answers have; one that ties with the last of them counts.
    pub recall: f64,
    /// Whether no answer stands above one of a higher exact score, ties aside.
    pub ordered: bool,
    /// Where the two lists differ.
    pub differences: Vec<Difference>,
}

/// Compares the first `k` answers with the exact list of `k`.
///
/// # Panics
/// An answer has no exact score: its id is no item's.
#[must_use]
pub fn judge(list: &List, k: usize) -> Judged {
    let answered = list.answered.iter().take(k);
    let answered: Vec<&Scored> = answered
        .map(|it| it.as_ref().expect("a known id"))
        .collect();
    let last = list.best.last();
    let found = |it: &&&Scored| {
        let listed = list.best.iter().any(|best| best.id == it.id);
        listed || last.is_some_and(|last| it.ties_with(last))
    };
    let hits = answered.iter().filter(found).count();
    let pairs = answered.iter().zip(&list.best).enumerate();
    let differ = pairs.filter(|(_, (answer, best))| answer.id != best.id);
    let differences = differ.map(|(place, (answer, best))| Difference {
        place: place + 1,
        answered: (*answer).clone(),
        exact: best.clone(),
        tie: answer.ties_with(best),
    });
    Judged {
        recall: hits as f64 / list.best.len().max(1) as f64,
        ordered: ordered(&answered),
        differences: differences.collect(),
    }
}

fn ordered(answered: &[&Scored]) -> bool {
    let below = |place: usize| &answered[place + 1..];
    let right = |above: &Scored, it: &&Scored| above.score >= it.score || above.ties_with(it);
    let mut places = answered.iter().enumerate();
    places.all(|(place, above)| below(place).iter().all(|it| right(above, it)))
}
