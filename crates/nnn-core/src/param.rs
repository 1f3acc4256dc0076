//! Hyper-parameters: their values, ranges, grids and signatures.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use thiserror::Error;

/// A finite hyper-parameter, totally ordered, printed in the shortest form that reads back equal.
#[derive(Debug, Clone, Copy)]
pub struct Param(f64);

impl Param {
    /// Wraps a finite value; `None` for NaN and infinities. Minus zero becomes zero.
    #[must_use]
    pub fn new(value: f64) -> Option<Self> {
        value.is_finite().then_some(Self(value + 0.0))
    }

    /// The value.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }
}

impl PartialEq for Param {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Param {}

impl PartialOrd for Param {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Param {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl Hash for Param {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

impl fmt::Display for Param {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// What a parameter means and which values it takes.
#[derive(Debug, Clone, Copy)]
pub struct ParamInfo {
    /// The paper's symbol.
    pub name: &'static str,
    /// One sentence: meaning, unit, effect.
    pub doc: &'static str,
    /// Value used when a config names none.
    pub default: f64,
    /// Least allowed value.
    pub min: f64,
    /// Whether `min` itself is excluded.
    pub above_min: bool,
    /// Greatest allowed value; infinite where there is none.
    pub max: f64,
    /// Whether only whole numbers are allowed.
    pub whole: bool,
    /// The published grid, in the order in which ties are settled (the first best point wins).
    pub grid: &'static [f64],
}

impl ParamInfo {
    /// A parameter of any real number from 0 on, with default 0 and no published grid, until what follows says otherwise.
    #[must_use]
    pub const fn number(name: &'static str, doc: &'static str) -> Self {
        Self {
            name,
            doc,
            default: 0.0,
            min: 0.0,
            above_min: false,
            max: f64::INFINITY,
            whole: false,
            grid: &[],
        }
    }

    /// The same of whole numbers.
    #[must_use]
    pub const fn whole(name: &'static str, doc: &'static str) -> Self {
        let whole = true;
        Self {
            whole,
            ..Self::number(name, doc)
        }
    }

    /// Used when a config names no value.
    #[must_use]
    pub const fn default(self, default: f64) -> Self {
        Self { default, ..self }
    }

    /// From `min` on.
    #[must_use]
    pub const fn min(self, min: f64) -> Self {
        Self { min, ..self }
    }

    /// Above `min`, which is excluded.
    #[must_use]
    pub const fn above(self, min: f64) -> Self {
        let above_min = true;
        Self {
            min,
            above_min,
            ..self
        }
    }

    /// Up to `max`.
    #[must_use]
    pub const fn max(self, max: f64) -> Self {
        Self { max, ..self }
    }

    /// The published values, in the order in which ties are settled.
    #[must_use]
    pub const fn grid(self, grid: &'static [f64]) -> Self {
        Self { grid, ..self }
    }

    /// Checks one value.
    ///
    /// # Errors
    /// The value is not finite, out of range, or not whole where it must be.
    pub fn check(&self, value: f64) -> Result<Param, ParamError> {
        let in_range =
            (value > self.min || (!self.above_min && value == self.min)) && value <= self.max;
        match Param::new(value) {
            Some(param) if in_range && (!self.whole || value.fract() == 0.0) => Ok(param),
            _ => Err(ParamError::OutOfRange {
                name: self.name,
                value: value.to_string(),
                expected: self.range(),
            }),
        }
    }

    /// The range in words: `a whole number >= 1`, `a number > 0`, `a number > 0 and <= 1`.
    #[must_use]
    pub fn range(&self) -> String {
        let kind = if self.whole { "whole number" } else { "number" };
        let sign = if self.above_min { ">" } else { ">=" };
        let max = match self.max.is_finite() {
            true => format!(" and <= {}", self.max),
            false => String::new(),
        };
        format!("a {kind} {sign} {}{max}", self.min)
    }
}

/// Why a parameter is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ParamError {
    /// The method has no parameter of this name.
    #[error("method `{method}` has no parameter `{name}`; it has {known}")]
    Unknown {
        /// The method.
        method: String,
        /// The name received.
        name: String,
        /// The names that exist, or `none`.
        known: String,
    },
    /// The value is not allowed.
    #[error("parameter `{name}` is {value}, expected {expected}")]
    OutOfRange {
        /// The parameter.
        name: &'static str,
        /// The value received.
        value: String,
        /// The range in words.
        expected: String,
    },
    /// A list of values is empty.
    #[error("parameter `{name}` has an empty list of values")]
    NoValues {
        /// The parameter.
        name: String,
    },
    /// A signature could not be read.
    #[error("`{text}` is no method signature; expected `name` or `name(parameter=value,...)`")]
    Signature {
        /// The text received.
        text: String,
    },
}

/// Values to try for each parameter, by name.
pub type ParamGrid = BTreeMap<String, Vec<f64>>;

/// Every combination of the values in `grid`, the first parameter slowest; parameters that the grid leaves out have
/// their default.
///
/// # Errors
/// An unknown name, an empty list, or a value out of range.
pub(crate) fn expand(
    method: &str,
    infos: &[ParamInfo],
    grid: &ParamGrid,
) -> Result<Vec<Vec<Param>>, ParamError> {
    check_names(method, infos, grid)?;
    let values = infos.iter().map(|info| values_of(info, grid));
    Ok(product(values.collect::<Result<Vec<_>, _>>()?))
}

/// Every combination of a value from each list, the first list slowest.
pub(crate) fn product<T: Copy>(lists: impl IntoIterator<Item = impl AsRef<[T]>>) -> Vec<Vec<T>> {
    let mut points = vec![Vec::new()];
    for list in lists {
        let extended = |point: &Vec<T>, &value: &T| [&point[..], &[value]].concat();
        points = points
            .iter()
            .flat_map(|point| list.as_ref().iter().map(|value| extended(point, value)))
            .collect();
    }
    points
}

fn check_names(method: &str, infos: &[ParamInfo], grid: &ParamGrid) -> Result<(), ParamError> {
    let unknown = grid
        .keys()
        .find(|name| !infos.iter().any(|info| info.name == *name));
    unknown.map_or(Ok(()), |name| {
        let known: Vec<_> = infos
            .iter()
            .map(|info| format!("`{}`", info.name))
            .collect();
        Err(ParamError::Unknown {
            method: method.to_owned(),
            name: name.clone(),
            known: if known.is_empty() {
                "none".into()
            } else {
                known.join(", ")
            },
        })
    })
}

fn values_of(info: &ParamInfo, grid: &ParamGrid) -> Result<Vec<Param>, ParamError> {
    let values = grid
        .get(info.name)
        .cloned()
        .unwrap_or_else(|| vec![info.default]);
    if values.is_empty() {
        return Err(ParamError::NoValues {
            name: info.name.to_owned(),
        });
    }
    values.into_iter().map(|value| info.check(value)).collect()
}

/// `name(a=1,b=0.5)` with every parameter in declared order, or `name` for a method without parameters.
#[must_use]
pub fn signature(method: &str, infos: &[ParamInfo], point: &[Param]) -> String {
    if infos.is_empty() {
        return method.to_owned();
    }
    let pairs: Vec<_> = infos
        .iter()
        .zip(point)
        .map(|(info, value)| format!("{}={value}", info.name))
        .collect();
    format!("{method}({})", pairs.join(","))
}

/// Reads a signature back into the method's name and a grid of one point.
///
/// # Errors
/// The text is not of the form that [`signature`] writes.
pub fn parse_signature(text: &str) -> Result<(String, ParamGrid), ParamError> {
    let error = || ParamError::Signature {
        text: text.to_owned(),
    };
    let Some((name, rest)) = text.split_once('(') else {
        return Ok((text.to_owned(), ParamGrid::new()));
    };
    let inside = rest.strip_suffix(')').ok_or_else(error)?;
    let mut grid = ParamGrid::new();
    for pair in inside.split(',') {
        let (key, value) = pair.split_once('=').ok_or_else(error)?;
        let value = value.parse().map_err(|_| error())?;
        grid.insert(key.to_owned(), vec![value]);
    }
    Ok((name.to_owned(), grid))
}

#[cfg(test)]
mod tests {
    use super::*;

    const INFOS: &[ParamInfo] = &[
        ParamInfo::whole("k", "")
            .default(128.0)
            .min(1.0)
            .grid(&[1.0]),
        ParamInfo::number("beta", "")
            .default(20.0)
            .above(0.0)
            .grid(&[1.0]),
    ];

    fn grid(name: &str, values: &[f64]) -> ParamGrid {
        ParamGrid::from([(name.to_owned(), values.to_vec())])
    }

    #[test]
    fn the_first_parameter_is_slowest_and_defaults_fill_in() {
        let mut both = grid("beta", &[1.0, 0.5]);
        both.insert("k".into(), vec![2.0, 4.0]);
        let points = expand("m", INFOS, &both).expect("valid grid");
        let signatures: Vec<_> = points.iter().map(|p| signature("m", INFOS, p)).collect();
        assert_eq!(
            signatures,
            [
                "m(k=2,beta=1)",
                "m(k=2,beta=0.5)",
                "m(k=4,beta=1)",
                "m(k=4,beta=0.5)"
            ]
        );
        let points = expand("m", INFOS, &grid("beta", &[1.0])).expect("valid grid");
        assert_eq!(signature("m", INFOS, &points[0]), "m(k=128,beta=1)");
    }

    #[test]
    fn signatures_read_back() {
        let (name, grid) = parse_signature("m(k=2,beta=0.1)").expect("valid signature");
        let points = expand(&name, INFOS, &grid).expect("valid grid");
        assert_eq!(signature(&name, INFOS, &points[0]), "m(k=2,beta=0.1)");
        assert!(parse_signature("m(k=2").is_err());
    }

    #[test]
    fn bad_values_name_the_range() {
        let message = |name, value| {
            expand("m", INFOS, &grid(name, &[value]))
                .expect_err("bad value")
                .to_string()
        };
        assert_eq!(
            message("k", 0.0),
            "parameter `k` is 0, expected a whole number >= 1"
        );
        assert_eq!(
            message("k", 1.5),
            "parameter `k` is 1.5, expected a whole number >= 1"
        );
        assert_eq!(
            message("beta", 0.0),
            "parameter `beta` is 0, expected a number > 0"
        );
        assert_eq!(
            message("beta", f64::NAN),
            "parameter `beta` is NaN, expected a number > 0"
        );
        assert_eq!(
            message("gamma", 1.0),
            "method `m` has no parameter `gamma`; it has `k`, `beta`"
        );
        assert!(expand("m", INFOS, &grid("k", &[])).is_err());
    }
}
