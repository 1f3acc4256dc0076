//! A method with all its parameter points.

use crate::{Choose, TrialError, Values, registry};
use nnn_core::{
    BankSizes, FitError, MethodFamily, Normalizer, ParamError, ParamGrid, ParamInfo, StatPlan,
    parse_signature,
};
use std::collections::BTreeMap;

/// A method with all its parameter points.
pub struct Method {
    /// The method with its parameters open.
    pub family: &'static dyn MethodFamily,
    /// The method at every point.
    pub points: Vec<Box<dyn Normalizer>>,
    /// [`Choose::Fixed`] wherever there is nothing to choose.
    pub choose: Choose,
    /// The grid that the points are made of; none where they are those of the published grid.
    grid: Option<ParamGrid>,
    /// Whether the config lists all counts (`k`, `dims`) of the points. If not, points that banks or vectors do not allow are left out.
    pub is_written: bool,
}

/// Points that vectors or a bank do not allow.
pub struct Beyond {
    /// Their signatures.
    pub points: Vec<String>,
    /// Signatures of others that take their place, where none was left.
    pub instead: Vec<String>,
    /// What does not allow the first of them.
    pub error: FitError,
}

impl Method {
    /// The method with these values of its parameters; where `choose` is not [`Choose::Fixed`], parameters left out have their published
    /// values.
    ///
    /// # Errors
    /// A parameter is not known, or a value is out of its range.
    pub fn new(
        family: &'static dyn MethodFamily,
        params: &BTreeMap<String, Values>,
        choose: Choose,
    ) -> Result<Self, ParamError> {
        let published = takes_published_grid(family, params, choose);
        let grid = (!published).then(|| grid(family, params, choose));
        let points = points_of(family, grid.as_ref())?;
        let listed = |name| matches!(params.get(name), Some(Values::Listed(_)));
        let mut counts = family.params().iter().filter(|info| info.whole);
        let is_written = counts.all(|info| listed(info.name));
        // One point leaves nothing to choose.
        let choose = if points.len() == 1 {
            Choose::Fixed
        } else {
            choose
        };
        Ok(Self {
            family,
            points,
            choose,
            grid,
            is_written,
        })
    }

    /// The same with the points that vectors of this dimension and banks of these sizes allow, and the others; none where all are
    /// allowed. What a config lists is kept, to be refused.
    ///
    /// # Errors
    /// A published value is out of its own range: a mistake of the family.
    pub fn within(
        &self,
        dim: usize,
        sizes: BankSizes,
    ) -> Result<Option<(Self, Beyond)>, ParamError> {
        if self.is_written {
            return Ok(None);
        }
        let (mut points, mut left_out, mut first) = (Vec::new(), Vec::new(), None);
        for point in points_of(self.family, self.grid.as_ref())? {
            match beyond(&*point, dim, sizes) {
                None => points.push(point),
                Some(error) => {
                    left_out.push(point.signature());
                    first.get_or_insert(error);
                }
            }
        }
        let Some(error) = first else {
            return Ok(None);
        };
        let mut instead = Vec::new();
        if points.is_empty() {
            points = self.largest(dim, sizes)?;
            instead = points.iter().map(|point| point.signature()).collect();
        }
        if points.is_empty() {
            return Ok(None);
        }
        let grid = self.grid.clone();
        let within = Self {
            points,
            grid,
            ..*self
        };
        let beyond = Beyond {
            points: left_out,
            instead,
            error,
        };
        Ok(Some((within, beyond)))
    }

    /// The points with the largest published value of the one count that the config does not list, if there is one that is allowed.
    fn largest(
        &self,
        dim: usize,
        sizes: BankSizes,
    ) -> Result<Vec<Box<dyn Normalizer>>, ParamError> {
        let counts = self.family.params().iter().filter(|info| info.whole);
        let (&[count], Some(grid)) = (counts.collect::<Vec<_>>().as_slice(), &self.grid) else {
            return Ok(Vec::new());
        };
        let mut values = count.grid.to_vec();
        values.sort_by(|a, b| b.total_cmp(a));
        for value in values {
            let mut grid = grid.clone();
            grid.insert(count.name.to_owned(), vec![value]);
            let points = self.family.expand(&grid)?;
            let refused = points.iter().find_map(|point| beyond(&**point, dim, sizes));
            if refused.is_none() {
                return Ok(points);
            }
        }
        Ok(Vec::new())
    }

    /// The parameters of a point as in its signature, without the name: `k=128,alpha=0.75`.
    pub fn params(&self, point: usize) -> String {
        let signature = self.points[point].signature();
        let inside = signature.split_once('(').map_or("", |(_, rest)| rest);
        inside.trim_end_matches(')').to_owned()
    }

    /// How the parameters came about; empty where there are none.
    pub fn chosen_word(&self) -> &'static str {
        if self.family.params().is_empty() {
            ""
        } else {
            self.choose.name()
        }
    }

    /// Whether it is what all others are compared with.
    pub fn is_raw(&self) -> bool {
        self.family.name() == "raw"
    }

    /// How many of its points are reported.
    pub fn reported(&self) -> usize {
        match self.choose {
            Choose::Fixed => self.points.len(),
            _ => 1,
        }
    }

    /// The statistics that its points need.
    pub fn stat_plan(&self) -> StatPlan {
        StatPlan::of(self.normalizers())
    }

    /// Its points.
    pub fn normalizers(&self) -> impl Iterator<Item = &dyn Normalizer> {
        self.points.iter().map(|point| &**point)
    }
}

/// The method that a signature such as `nnn(k=128,alpha=0.75)` names; parameters left out have their default.
///
/// # Errors
/// It is no signature, no method of this name exists, or a parameter is refused.
pub fn from_signature(
    signature: &str,
) -> Result<(&'static dyn MethodFamily, Box<dyn Normalizer>), TrialError> {
    let written: String = signature.split_whitespace().collect();
    let (name, grid) = parse_signature(&written)?;
    let family = registry::method(&name)?;
    let mut points = family.expand(&grid)?;
    match (points.pop(), points.is_empty()) {
        (Some(point), true) => Ok((family, point)),
        _ => Err(TrialError::NotOnePoint {
            signature: signature.to_owned(),
        }),
    }
}

/// The kind, and `transductive` behind it where the evaluated queries are read as a whole: `rescaling, transductive`.
#[must_use]
pub fn kind(family: &dyn MethodFamily) -> String {
    let transductive = if family.transductive() {
        ", transductive"
    } else {
        ""
    };
    format!("{}{transductive}", family.kind().name())
}

fn points_of(
    family: &dyn MethodFamily,
    grid: Option<&ParamGrid>,
) -> Result<Vec<Box<dyn Normalizer>>, ParamError> {
    match grid {
        Some(grid) => family.expand(grid),
        None => family.published_grid(),
    }
}

/// How many points a sentence names.
const NAMED: usize = 5;

/// What a warning says of points that are left out of a grid: the first of them with the reason, and what takes their place.
#[must_use]
pub fn left_out(points: &[String], instead: &[String], reason: &str) -> String {
    let in_place = match instead {
        [] => String::new(),
        _ => format!("; in its place: {}", first_of(instead)),
    };
    format!("{} ({reason}){in_place}", first_of(points))
}

/// The first names, and how many there are.
fn first_of(names: &[String]) -> String {
    let shown = names.iter().take(NAMED).map(String::as_str);
    let more = match names.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    shown.collect::<Vec<_>>().join(", ") + &more
}

/// That vectors of this dimension and banks of these sizes allow a point.
///
/// # Errors
/// [`FitError`]: it asks for more dimensions, for a bank that is not there, for more items than a bank has, or for second moments
/// of too large a dimension.
pub fn check_point(point: &dyn Normalizer, dim: usize, sizes: BankSizes) -> Result<(), FitError> {
    let asked = point.least_dim();
    match asked > dim {
        true => Err(FitError::BeyondDimension { asked, dim }),
        false => {
            let plan = StatPlan::of([point]);
            plan.check(sizes)?;
            plan.check_dim(dim)
        }
    }
}

/// What does not allow a point, if it asks for more than the vectors' dimensions or a bank's items.
fn beyond(point: &dyn Normalizer, dim: usize, sizes: BankSizes) -> Option<FitError> {
    use FitError::{BeyondDimension, KExceedsBank};
    let error = check_point(point, dim, sizes).err()?;
    matches!(error, BeyondDimension { .. } | KExceedsBank { .. }).then_some(error)
}

/// Whether the points are those of the published grid, which need not be every combination of values.
fn takes_published_grid(
    family: &dyn MethodFamily,
    params: &BTreeMap<String, Values>,
    choose: Choose,
) -> bool {
    let known = |name: &String| family.params().iter().any(|info| info.name == name);
    let published = |info: &ParamInfo| match params.get(info.name) {
        Some(values) => *values == Values::Published,
        None => choose != Choose::Fixed,
    };
    params.keys().all(known) && family.params().iter().all(published)
}

/// Listed values, and the published ones where a choice lists none.
fn grid(family: &dyn MethodFamily, params: &BTreeMap<String, Values>, choose: Choose) -> ParamGrid {
    let mut grid = ParamGrid::new();
    for (name, values) in params {
        let published = family.params().iter().find(|info| info.name == name);
        let values = match (values, published) {
            (Values::Listed(values), _) => values.clone(),
            (Values::Published, Some(info)) => info.grid.to_vec(),
            // `expand` refuses the name.
            (Values::Published, None) => Vec::new(),
        };
        grid.insert(name.clone(), values);
    }
    if choose != Choose::Fixed {
        for info in family.params() {
            grid.entry(info.name.to_owned())
                .or_insert_with(|| info.grid.to_vec());
        }
    }
    grid
}

#[cfg(test)]
mod tests {
    use crate::METHODS;
    use nnn_core::{
        Bank, BankStats, Banks, Embeddings, Fitted, MethodFamily, Normalizer, PassOptions, Rows,
        Stat, StatPlan,
    };

    /// The largest published number of components.
    const DIM: usize = 768;

    /// Rows that look random: the golden ratio's multiples never repeat.
    fn rows(count: usize, seed: f64) -> Embeddings {
        let value = |at: usize| ((at as f64 + seed) * 0.618_033_988_749_895).fract() - 0.5;
        let values = (0..count * DIM).map(|at| value(at) as f32);
        Embeddings::normalize(values.collect(), DIM).expect("no row is zero")
    }

    /// The default point and the ends of the published grid.
    fn points(family: &dyn MethodFamily) -> Vec<Box<dyn Normalizer>> {
        let mut published = family.published_grid().expect("published values are valid");
        let mut points = family.expand(&Default::default()).expect("defaults");
        points.extend(published.pop());
        points.extend(published.into_iter().next());
        points
    }

    /// The numbers that a correction has for each item, one item after the other; none of a kind that has others.
    fn numbers(fitted: &Fitted) -> Option<Vec<f32>> {
        match fitted {
            Fitted::Additive(bias) => Some(bias.values().to_vec()),
            Fitted::VectorMoving(moved) => Some(moved.gallery.data().to_vec()),
            _ => None,
        }
    }

    /// Whether a rule orders the first items of some row otherwise where the other items are others, and their scores the same.
    fn depends_on_the_others(point: &dyn Normalizer, banks: Banks<'_>) -> bool {
        // All of them are more than any default counts as neighbours.
        let first = 80;
        let at = |seed| rows(first, seed).rows().data().to_vec();
        let [one, other] = [0.7, 0.8].map(|seed| {
            let data = [at(0.1), at(seed)].concat();
            let items = Embeddings::normalize(data, DIM).expect("no row is zero");
            let plan = StatPlan::of([point]);
            let stats = BankStats::collect(&plan, items.rows(), banks, PassOptions::default());
            let stats = stats.expect("statistics");
            point.fit(&stats, items.rows()).expect("a fit")
        });
        let rows = rows(30, 0.9);
        let orders = |fitted: &Fitted, row: &[f32]| {
            // As wide as cosines are: the values of a row are within a sixteenth.
            let mut row: Vec<f32> = row[..2 * first].iter().map(|s| 16.0 * s).collect();
            fitted.apply(&mut row);
            nnn_core::best_items(&row[..first], first)
        };
        let mut rows = rows.rows().data().chunks_exact(DIM);
        rows.any(|row| orders(&one, row) != orders(&other, row))
    }

    #[test]
    fn what_depends_on_the_other_items_says_so() {
        let (gallery, bank, other) = (rows(12, 0.1), rows(600, 0.2), rows(600, 0.3));
        let banks = Banks {
            query: Some(bank.rows()),
            gallery: Some(other.rows()),
            evaluated: None,
        };
        let of = |point: &dyn Normalizer, items: Rows<'_>| {
            let plan = StatPlan::of([point]);
            let stats = BankStats::collect(&plan, items, banks, PassOptions::default());
            numbers(
                &point
                    .fit(&stats.expect("statistics"), items)
                    .expect("a fit"),
            )
        };
        for family in METHODS.iter().filter(|it| !it.transductive()) {
            let point = family
                .expand(&Default::default())
                .expect("defaults")
                .remove(0);
            let Some(whole) = of(&*point, gallery.rows()) else {
                let plan = StatPlan::of([&*point]);
                let places = plan
                    .iter()
                    .any(|(_, stat)| matches!(stat, Stat::BestPlace { .. }));
                let depends = places || depends_on_the_others(&*point, banks);
                assert_eq!(family.whole_gallery(), depends, "{}", family.name());
                continue;
            };
            let parts = [0..5, 5..12].map(|part| of(&*point, gallery.rows().slice(part)));
            let parts: Vec<f32> = parts.into_iter().flatten().flatten().collect();
            assert_eq!(family.whole_gallery(), parts != whole, "{}", family.name());
        }
    }

    #[test]
    fn what_is_declared_is_what_is_fitted() {
        // The largest published `k` is 512.
        let (gallery, bank, other, queries) =
            (rows(12, 0.1), rows(600, 0.2), rows(600, 0.3), rows(20, 0.4));
        let banks = Banks {
            query: Some(bank.rows()),
            gallery: Some(other.rows()),
            evaluated: Some(queries.rows()),
        };
        for family in METHODS {
            for point in points(*family) {
                let plan = StatPlan::of([&*point]);
                let name = point.signature();
                assert_eq!(family.transductive(), plan.uses(Bank::Evaluated), "{name}");
                let stats =
                    BankStats::collect(&plan, gallery.rows(), banks, PassOptions::default());
                let fitted = point.fit(&stats.expect("statistics"), gallery.rows());
                assert_eq!(fitted.expect("a fit").kind(), family.kind(), "{name}");
            }
        }
    }
}
