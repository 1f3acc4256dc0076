//! Imports through a re-export, and names its module in a macro.

use crate::Above;

pub struct Inner;

pub(super) fn show(_: Above) -> String {
    format!("{}", super::LIMIT)
}
