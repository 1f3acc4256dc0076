//! What `screen.rs` is on processors without the products that it needs: nothing is screened.

use crate::score::DotScorer;
use crate::topk::LargestScores;

pub(crate) fn largest(_k: usize, _scorer: &DotScorer<'_>) -> Option<Vec<LargestScores>> {
    None
}

pub(crate) fn best(_k: usize, _scorer: &DotScorer<'_>) -> Option<Vec<Vec<(f32, u32)>>> {
    None
}
