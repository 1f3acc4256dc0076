//! `runner export`.

mod from_banks;
mod from_bias;
mod from_results;
mod options;
mod whole;

use crate::terminal::output::print;
use crate::terminal::progress::say;
use crate::threads::with_threads;
use anyhow::{Result, bail};
use nnn_export::{Manifest, pgvector_limit};
use nnn_files::counted;

pub use options::ExportOptions;

/// Writes item vectors by which an engine ranks as the correction does, with a manifest and the lines that load and ask them.
///
/// # Errors
/// What is named does not fit together, the method cannot be served by an engine, or something cannot be read or written.
pub fn export(options: &ExportOptions) -> Result<()> {
    with_threads(None, || write(options))?
}

fn write(options: &ExportOptions) -> Result<()> {
    options.check_out()?;
    let banks = !(options.reference.is_empty() && options.reference_gallery.is_empty());
    let gallery = !options.gallery.is_empty();
    let manifest = match (&options.results, &options.bias) {
        (Some(results), None) if !banks && !gallery => from_results::export(options, results),
        (None, Some(bias)) if !banks && gallery => from_bias::export(options, bias),
        (None, None) if banks && gallery => from_banks::export(options),
        _ => bail!(
            "expected results of `runner run`; or --bias with --gallery; or --gallery with --reference and --method, for a method that \
             moves vectors"
        ),
    }?;
    if let Some(limit) = pgvector_limit(&manifest) {
        say(&format!("warning: {limit}"));
    }
    Ok(print(&summary(options, &manifest))?)
}

fn summary(options: &ExportOptions, manifest: &Manifest) -> String {
    let (items, out) = (counted(manifest.count as usize, "item"), &options.out);
    format!(
        "{}: {items} of {} coordinates, to be ranked by {}; {} says how to load and ask them",
        out.display(),
        manifest.dim_out,
        manifest.metric,
        out.join("queries.md").display()
    )
}
