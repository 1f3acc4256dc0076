//! The methods of a config, each with all its parameter points.

use crate::plan::registry;
use crate::spec::{Choose, MethodSpec, Spec, Values};
use anyhow::{Context, Result, bail, ensure};
use nnn_core::{MethodFamily, Normalizer, ParamGrid, StatPlan};

/// A method with all its parameter points.
pub(crate) struct Method {
    pub(crate) family: &'static dyn MethodFamily,
    pub(crate) points: Vec<Box<dyn Normalizer>>,
    /// [`Choose::Fixed`] wherever there is nothing to choose.
    pub(crate) choose: Choose,
    /// Whether the points are those of the published grid, not of the config.
    pub(crate) published: bool,
}

impl Method {
    /// The same with the points of a published grid that vectors of this dimension allow, and the signatures of the others;
    /// none where all are allowed. What a config lists is kept, to be refused.
    pub(crate) fn within(&self, dim: usize) -> Result<Option<(Self, Vec<String>)>> {
        let points = match self.published {
            true => self.family.published_grid()?,
            false => Vec::new(),
        };
        let (points, beyond): (Vec<_>, Vec<_>) = points
            .into_iter()
            .partition(|point| point.least_dim() <= dim);
        if points.is_empty() || beyond.is_empty() {
            return Ok(None);
        }
        let left_out = beyond.iter().map(|point| point.signature()).collect();
        Ok(Some((Self { points, ..*self }, left_out)))
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
    let points = if published {
        family.published_grid()?
    } else {
        family.expand(&grid(family, written, choose))?
    };
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
        published,
    })
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
