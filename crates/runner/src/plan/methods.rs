//! The methods of a config, each with all its parameter points.

use crate::spec::{MethodSpec, Spec};
use anyhow::{Context, Result, bail, ensure};
use nnn_trial::{Choose, Method, Values};
use std::collections::BTreeMap;

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
    let options = &written.options;
    let values = options.params.iter();
    let params: BTreeMap<String, Values> = values
        .map(|(name, values)| (name.clone(), values.0.clone()))
        .collect();
    let family = nnn_trial::method(&written.name)?;
    Ok(Method::new(
        family,
        &params,
        options.choose.unwrap_or(default),
    )?)
}
