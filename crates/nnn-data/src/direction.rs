//! The two ways to ask between images and texts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// Which side asks. Written `t2i` and `i2t` everywhere.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Text queries, image gallery.
    T2i,
    /// Image queries, text gallery.
    I2t,
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::T2i => "t2i",
            Self::I2t => "i2t",
        })
    }
}

/// A direction that is neither `t2i` nor `i2t`.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("unknown direction {found:?}, expected \"t2i\" or \"i2t\"")]
pub struct DirectionError {
    /// What was written.
    pub found: String,
}

impl FromStr for Direction {
    type Err = DirectionError;

    fn from_str(text: &str) -> Result<Self, DirectionError> {
        match text {
            "t2i" => Ok(Self::T2i),
            "i2t" => Ok(Self::I2t),
            _ => Err(DirectionError {
                found: text.to_owned(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_agree() {
        for direction in [Direction::T2i, Direction::I2t] {
            assert_eq!(direction.to_string().parse(), Ok(direction));
            let json = serde_json::to_string(&direction).expect("a plain value");
            assert_eq!(json, format!("\"{direction}\""));
        }
        let error = "T2I".parse::<Direction>().expect_err("no such spelling");
        assert_eq!(
            error.to_string(),
            "unknown direction \"T2I\", expected \"t2i\" or \"i2t\""
        );
    }
}
