//! The methods of a config, each with all its parameter points.

use crate::plan::registry;
use crate::spec::{Choose, MethodSpec, Spec, Values};
use anyhow::{Context, Result, bail, ensure};
use nnn_core::{
    BankSizes, FitError, MethodFamily, Normalizer, ParamError, ParamGrid, StatPlan, parse_signature,
};

/// A method with all its parameter points.
pub(crate) struct Method {
    pub(crate) family: &'static dyn MethodFamily,
    pub(crate) points: Vec<Box<dyn Normalizer>>,
    /// [`Choose::Fixed`] wherever there is nothing to choose.
    pub(crate) choose: Choose,
    /// The grid that the points are made of; none where they are those of the published grid.
    grid: Option<ParamGrid>,
    /// Whether the config lists all counts (`k`, `dims`) of the points. If not, points that banks or vectors do not allow are left out.
    pub(crate) is_written: bool,
}

/// Points that vectors or a bank do not allow.
pub(crate) struct Beyond {
    /// Their signatures.
    pub(crate) points: Vec<String>,
    /// Signatures of others that take their place, where none was left.
    pub(crate) instead: Vec<String>,
    /// What does not allow the first of them.
    pub(crate) error: FitError,
}

impl Method {
    /// The same with the points that vectors of this dimension and banks of these sizes allow, and the others; none where all are
    /// allowed. What a config lists is kept, to be refused.
    pub(crate) fn within(&self, dim: usize, sizes: BankSizes) -> Result<Option<(Self, Beyond)>> {
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
    fn largest(&self, dim: usize, sizes: BankSizes) -> Result<Vec<Box<dyn Normalizer>>> {
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
    pub(crate) fn params(&self, point: usize) -> String {
        let signature = self.points[point].signature();
        let inside = signature.split_once('(').map_or("", |(_, rest)| rest);
        inside.trim_end_matches(')').to_owned()
    }

    /// How the parameters came about; empty where there are none.
    pub(crate) fn chosen_word(&self) -> &'static str {
        if self.family.params().is_empty() {
            ""
        } else {
            self.choose.name()
        }
    }

    /// Whether it is what all others are compared with.
    pub(crate) fn is_raw(&self) -> bool {
        self.family.name() == "raw"
    }

    /// How many of its points are reported.
    pub(crate) fn reported(&self) -> usize {
        match self.choose {
            Choose::Fixed => self.points.len(),
            _ => 1,
        }
    }

    /// The statistics that its points need.
    pub(crate) fn stat_plan(&self) -> StatPlan {
        StatPlan::of(self.normalizers())
    }

    /// Its points.
    pub(crate) fn normalizers(&self) -> impl Iterator<Item = &dyn Normalizer> {
        self.points.iter().map(|point| &**point)
    }
}

/// The method that a signature such as `nnn(k=128,alpha=0.75)` names; parameters left out have their default.
pub(crate) fn from_signature(
    signature: &str,
) -> Result<(&'static dyn MethodFamily, Box<dyn Normalizer>)> {
    let written: String = signature.split_whitespace().collect();
    let (name, grid) = parse_signature(&written)?;
    let family = registry::method(&name)?;
    let mut points = family.expand(&grid)?;
    match (points.pop(), points.is_empty()) {
        (Some(point), true) => Ok((family, point)),
        _ => bail!("`{signature}` is not one point of a method"),
    }
}

pub(super) fn methods(spec: &Spec) -> Result<Vec<Method>> {
    ensure!(
        !spec.methods.is_empty(),
        "`methods` is empty; see `runner list methods`"
    );
    let mut methods: Vec<Method> = Vec::new();
    for (index, written) in spec.methods.iter().enumerate() {
        let planned = method(written, spec.choose)
            .with_context(|| format!("methods[{index}] ({})", written.name))?;
        let repeats = |other: &Method| {
            other.choose == planned.choose && signatures(other) == signatures(&planned)
        };
        if methods.iter().any(repeats) {
            bail!(
                "methods[{index}]: `{}` with these values is listed twice",
                written.name
            );
        }
        methods.push(planned);
    }
    Ok(methods)
}

fn signatures(method: &Method) -> Vec<String> {
    method
        .points
        .iter()
        .map(|point| point.signature())
        .collect()
}

fn method(written: &MethodSpec, default: Choose) -> Result<Method> {
    let family = registry::method(&written.name)?;
    let choose = written.options.choose.unwrap_or(default);
    let published = takes_published_grid(family, written, choose);
    let grid = (!published).then(|| grid(family, written, choose));
    let points = points_of(family, grid.as_ref())?;
    let listed = |name| matches!(written.options.params.get(name), Some(Values::Listed(_)));
    let mut counts = family.params().iter().filter(|info| info.whole);
    let is_written = counts.all(|info| listed(info.name));
    // One point leaves nothing to choose.
    let choose = if points.len() == 1 {
        Choose::Fixed
    } else {
        choose
    };
    Ok(Method {
        family,
        points,
        choose,
        grid,
        is_written,
    })
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

/// What does not allow a point, if it asks for more than the vectors' dimensions or a bank's items.
fn beyond(point: &dyn Normalizer, dim: usize, sizes: BankSizes) -> Option<FitError> {
    let asked = point.least_dim();
    if asked > dim {
        return Some(FitError::BeyondDimension { asked, dim });
    }
    let error = StatPlan::of([point]).check(sizes).err()?;
    matches!(error, FitError::KExceedsBank { .. }).then_some(error)
}

/// Whether the points are those of the published grid, which need not be every combination of values.
fn takes_published_grid(family: &dyn MethodFamily, written: &MethodSpec, choose: Choose) -> bool {
    let params = &written.options.params;
    let known = |name: &String| family.params().iter().any(|info| info.name == name);
    let published = |info: &nnn_core::ParamInfo| match params.get(info.name) {
        Some(values) => *values == Values::Published,
        None => choose != Choose::Fixed,
    };
    params.keys().all(known) && family.params().iter().all(published)
}

/// Listed values, and the published ones where a choice lists none.
fn grid(family: &dyn MethodFamily, written: &MethodSpec, choose: Choose) -> ParamGrid {
    let mut grid = ParamGrid::new();
    for (name, values) in &written.options.params {
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
