//! The three forms: what is appended to an item, and what to a query.

mod scale;
mod spread;

pub use scale::balanced_scale;
pub use spread::Spread;

use serde::{Deserialize, Serialize};
use std::str::FromStr;
use thiserror::Error;

/// Unit roundoff of f32: half the distance from 1 to the next number.
const ROUNDOFF: f64 = f32::EPSILON as f64 / 2.0;

/// What an engine ranks by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// The largest inner product.
    Ip,
    /// The smallest Euclidean distance.
    L2,
    /// The largest cosine.
    Cosine,
}

impl Form {
    /// The name in commands and files: `ip`, `l2`, `cosine`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ip => "ip",
            Self::L2 => "l2",
            Self::Cosine => "cosine",
        }
    }

    /// What an engine's own settings call it, in words.
    #[must_use]
    pub fn metric(self) -> &'static str {
        match self {
            Self::Ip => "inner product",
            Self::L2 => "Euclidean distance",
            Self::Cosine => "cosine similarity",
        }
    }
}

impl FromStr for Form {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let all = [Self::Ip, Self::L2, Self::Cosine];
        let found = all.into_iter().find(|form| form.name() == name);
        found.ok_or_else(|| "expected ip, l2 or cosine".to_owned())
    }
}

/// Why a bias has no place in a form.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
pub enum FormError {
    /// A bias is NaN or infinite.
    #[error("the bias is {bias}, expected a finite number")]
    NotFinite {
        /// The value found.
        bias: f32,
    },
    /// The scale cannot be used.
    #[error(
        "the scale is {scale}, expected a number above 0 that f32 holds together with its inverse"
    )]
    Scale {
        /// The value received.
        scale: f64,
    },
    /// The L2 form was given a scale.
    #[error(
        "the scale is {scale}, but the L2 form has none: no coordinate of its query could undo it"
    )]
    ScaleOfL2 {
        /// The value received.
        scale: f64,
    },
    /// A new item's bias is below all that the L2 form was made for.
    #[error(
        "the bias {bias} is below {offset}, the least that this L2 export can hold; export all items anew"
    )]
    BelowOffset {
        /// The bias.
        bias: f32,
        /// The offset of the export.
        offset: f64,
    },
    /// A new item's bias is farther from the middle than all that the cosine form was made for.
    #[error(
        "the bias {bias} lies outside {least} to {most}, all that this cosine export can hold; export all items anew"
    )]
    BeyondReach {
        /// The bias.
        bias: f32,
        /// The least bias that fits.
        least: f64,
        /// The largest bias that fits.
        most: f64,
    },
    /// The appended coordinate is beyond f32.
    #[error("the bias {bias} makes a coordinate of {coordinate:e}, beyond the range of f32")]
    TooLarge {
        /// The bias.
        bias: f32,
        /// What would have been appended.
        coordinate: f64,
    },
}

/// The numbers that turn a bias into coordinates, the same for all items and queries of an export.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Constants {
    /// The form.
    pub form: Form,
    /// `c`: how much longer the item's coordinate is, and the query's shorter. 1 in the L2 form.
    pub scale: f64,
    /// What is subtracted from every bias: the middle between their ends, in the L2 form the least.
    pub offset: f64,
    /// The largest `|c (b - offset)|` of the cosine form, so that `M^2 = 1 + reach^2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reach: Option<f64>,
}

impl Constants {
    /// Constants for items whose biases spread as `spread` says; `scale` is `c`, and must be 1 in the L2 form.
    ///
    /// # Errors
    /// [`FormError::Scale`], [`FormError::ScaleOfL2`], or [`FormError::TooLarge`].
    pub fn new(form: Form, spread: &Spread, scale: f64) -> Result<Self, FormError> {
        let usable = |value: f64| value > 0.0 && (value as f32).is_normal();
        if !(usable(scale) && usable(scale.recip())) {
            return Err(FormError::Scale { scale });
        }
        if form == Form::L2 && scale != 1.0 {
            return Err(FormError::ScaleOfL2 { scale });
        }
        let mut constants = Self {
            form,
            scale,
            offset: match form {
                Form::L2 => spread.least().into(),
                Form::Ip | Form::Cosine => spread.middle(),
            },
            reach: None,
        };
        if form == Form::Cosine {
            let ends = [spread.least(), spread.most()].map(|bias| constants.scaled(bias));
            let [least, most] = ends;
            constants.reach = Some(f64::from(least?.abs().max(most?.abs())));
        }
        Ok(constants)
    }

    /// As [`Constants::new`], with the scale that is asked for, or else with that which the biases ask for: [`balanced_scale`], and 1 in
    /// the L2 form.
    ///
    /// # Errors
    /// As [`Constants::new`].
    pub fn of(form: Form, spread: &Spread, scale: Option<f64>) -> Result<Self, FormError> {
        let scale = scale.unwrap_or_else(|| match form {
            Form::L2 => 1.0,
            Form::Ip | Form::Cosine => balanced_scale(spread),
        });
        Self::new(form, spread, scale)
    }

    /// How many coordinates an item and a query get beside their own: 2 in the cosine form, else 1.
    #[must_use]
    pub fn extra(&self) -> usize {
        match self.form {
            Form::Cosine => 2,
            Form::Ip | Form::L2 => 1,
        }
    }

    /// `M`, the length of every item in the cosine form.
    #[must_use]
    pub fn length(&self) -> Option<f64> {
        self.reach.map(|reach| reach.hypot(1.0))
    }

    /// Appends what an item with this bias gets: `t = c (b - offset)`, in the L2 form `sqrt(2 (b - offset))`, in the cosine form `t` and
    /// `sqrt(reach^2 - t^2)`. All in f64, rounded once.
    ///
    /// # Errors
    /// The bias is not finite, or beyond what the constants were made for.
    pub fn append(&self, bias: f32, item: &mut Vec<f32>) -> Result<(), FormError> {
        if !bias.is_finite() {
            return Err(FormError::NotFinite { bias });
        }
        match self.form {
            Form::Ip => item.push(self.scaled(bias)?),
            Form::L2 => item.push(self.root(bias)?),
            Form::Cosine => {
                let first = self.scaled(bias)?;
                item.extend([first, self.complement(bias, first)?]);
            }
        }
        Ok(())
    }

    /// What every query gets appended: `-1/c`, in the L2 form 0, in the cosine form `-1/c` and 0.
    #[must_use]
    pub fn query_suffix(&self) -> Vec<f32> {
        match self.form {
            Form::Ip => vec![-self.weight()],
            Form::L2 => vec![0.0],
            Form::Cosine => vec![-self.weight(), 0.0],
        }
    }

    /// `1/c` as f32 holds it. Items are divided by just this number, so that their products with it are rounded once less.
    fn weight(&self) -> f32 {
        self.scale.recip() as f32
    }

    /// `b - offset` of an item, from the coordinates that were appended to it: what is taken from its similarity.
    #[must_use]
    pub fn penalty(&self, appended: &[f32]) -> f64 {
        let first = f64::from(appended[0]);
        match self.form {
            Form::L2 => first * first / 2.0,
            Form::Ip | Form::Cosine => first * f64::from(self.weight()),
        }
    }

    fn scaled(&self, bias: f32) -> Result<f32, FormError> {
        let coordinate = (f64::from(bias) - self.offset) / f64::from(self.weight());
        match (coordinate as f32).is_finite() {
            true => Ok(coordinate as f32),
            false => Err(FormError::TooLarge { bias, coordinate }),
        }
    }

    fn root(&self, bias: f32) -> Result<f32, FormError> {
        let above = f64::from(bias) - self.offset;
        match above >= 0.0 {
            true => Ok((2.0 * above).sqrt() as f32),
            false => Err(FormError::BelowOffset {
                bias,
                offset: self.offset,
            }),
        }
    }

    /// The coordinate that gives every item the length `M`.
    fn complement(&self, bias: f32, first: f32) -> Result<f32, FormError> {
        let (first, reach) = (f64::from(first), self.reach.unwrap_or_default());
        match first.abs() <= reach {
            // Not `reach^2 - first^2`: the difference of two squares loses what their factors keep.
            true => Ok(((reach - first) * (reach + first)).sqrt() as f32),
            false => Err(FormError::BeyondReach {
                bias,
                least: self.offset - reach / self.scale,
                most: self.offset + reach / self.scale,
            }),
        }
    }
}

/// How far an engine's f32 score of an item may lie from the exact one, in units of similarity: for vectors of `dim` coordinates in
/// all, an item of length `item` and a query of length `query`.
///
/// With `u = 2^-24`, `n` products added in any order, fused or not, are off by at most `g(n) |a| |b|` with
/// `g(n) = n u / (1 - n u)` (Higham, Accuracy and Stability, section 3.1, and Cauchy-Schwarz).
///
/// - Inner product: the item's appended coordinate is rounded once, which is `u` of a product. In all `g(dim + 1)`.
/// - Euclidean: half the squared distance stands for the similarity. From differences it is off by `g(dim + 2)` of itself, expanded into
///   `|q|^2 + |x|^2 - 2 q x` by `g(dim + 2)` of `(|q| + |x|)^2 / 2`, which is more; the square of the rounded coordinate, a root,
///   and the squared length of an item's rounded unit vector add `2 u` of it each. In all `g(dim + 8) (|q| + |x|)^2 / 2`.
/// - Cosine: the product is off by `g(dim)`, the two lengths together by `g(dim + 2)` and a root each, a product and a quotient follow,
///   and the item's own length is `M` within `2 u`. In all less than `g(2 dim + 12) |q| |x|`.
///
/// Two items whose exact scores differ by no more than the sum of their bounds may be returned in either order.
#[must_use]
pub fn rounding(form: Form, dim: usize, item: f64, query: f64) -> f64 {
    let bound = |steps: usize| {
        let steps = steps as f64 * ROUNDOFF;
        steps / (1.0 - steps)
    };
    match form {
        Form::Ip => bound(dim + 1) * item * query,
        Form::L2 => bound(dim + 8) * (item + query).powi(2) / 2.0,
        Form::Cosine => bound(2 * dim + 12) * item * query,
    }
}
