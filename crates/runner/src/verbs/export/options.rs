//! What is asked for, and what of it can be had.

use crate::verbs::arrays::{array_file, parts};
use anyhow::{Context, Result, anyhow, ensure};
use clap::Args;
use nnn_core::MethodKind;
use nnn_data::ArrayFile;
use nnn_export::{Constants, Delivery, Form, Format, Manifest, Shape, Spread};
use nnn_trial::from_signature;
use std::path::{Path, PathBuf};

/// What is exported, and how.
#[derive(Debug, Args)]
pub struct ExportOptions {
    /// Results that `runner run` wrote, such as results/quickstart.
    #[arg(value_name = "RESULTS")]
    pub results: Option<PathBuf>,
    /// The method: `nnn(k=128,alpha=0.75)`, or a name that fits one setting of the results.
    #[arg(long, value_name = "SIGNATURE")]
    pub method: Option<String>,
    /// The trial of the results, where several have the method: `model--data--direction--reference`.
    #[arg(long, value_name = "NAME")]
    pub trial: Option<String>,
    /// A file of biases that `runner bias` wrote.
    #[arg(long, value_name = "FILE")]
    pub bias: Option<PathBuf>,
    /// The items' vectors: `FILE`, `FILE[KEY]`, patterns or folders, in the order of their rows.
    #[arg(long, num_args = 1.., value_name = "FILE", value_parser = array_file)]
    pub gallery: Vec<ArrayFile>,
    /// The items' ids, one for every row.
    #[arg(long, num_args = 1.., value_name = "FILE", value_parser = array_file)]
    pub ids: Vec<ArrayFile>,
    /// The query bank, for methods that move vectors.
    #[arg(long, num_args = 1.., value_name = "FILE", value_parser = array_file)]
    pub reference: Vec<ArrayFile>,
    /// The gallery bank, for methods that read one.
    #[arg(long, num_args = 1.., value_name = "FILE", value_parser = array_file)]
    pub reference_gallery: Vec<ArrayFile>,
    /// What the engine ranks by: ip, l2 or cosine.
    #[arg(long)]
    pub form: Form,
    /// Format of the items: parquet, npy, fvecs, jsonl or pgcopy.
    #[arg(long)]
    pub to: Format,
    /// Folder for the export.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// The scale `c` of the appended coordinate, in place of the one that the biases ask for.
    #[arg(long, value_name = "C")]
    pub scale: Option<f64>,
    /// An earlier export whose constants are kept, for new items beside it.
    #[arg(long, value_name = "DIR")]
    pub like: Option<PathBuf>,
    /// Never use the network for what the results were computed from.
    #[arg(long)]
    pub offline: bool,
    /// Where the run that wrote the results kept its embeddings and downloads.
    #[arg(long, default_value = "cache", env = "NNN_CACHE", value_name = "DIR")]
    pub cache: PathBuf,
}

impl ExportOptions {
    /// The constants of the form, from the biases or from an earlier export of the same method.
    pub(super) fn constants(&self, spread: &Spread, dim: usize, method: &str) -> Result<Constants> {
        let Some(like) = &self.like else {
            return Ok(Constants::of(self.form, spread, self.scale)?);
        };
        let earlier = Manifest::read(like)?;
        let shown = like.display();
        ensure!(
            self.scale.is_none(),
            "--like {shown} has a scale of its own; leave --scale out"
        );
        let expected = (earlier.form, earlier.dim, earlier.method.as_str());
        ensure!(
            (self.form, dim, method) == expected,
            "--like {shown} is in the form {} for `{}` and dimension {}, but this export is in the form {} for `{method}` and dimension {dim}",
            earlier.form.name(),
            earlier.method,
            earlier.dim,
            self.form.name(),
        );
        let constants = earlier.constants();
        constants.with_context(|| format!("--like {shown} moved its vectors and has no constants"))
    }

    /// Refuses to write among the files that are read: one may be called as one that is written.
    pub(super) fn check_out(&self) -> Result<()> {
        let Ok(out) = self.out.canonicalize() else {
            return Ok(());
        };
        for (file, _) in parts(&self.gallery)? {
            let folder = file.canonicalize().ok();
            let folder = folder.as_deref().and_then(Path::parent);
            let shown = self.out.display();
            ensure!(
                folder != Some(&out),
                "--out {shown}: the gallery lies there, in {}; name another folder",
                file.display()
            );
        }
        Ok(())
    }

    /// Begins the files.
    pub(super) fn begin(&self, shape: Shape, constants: Option<Constants>) -> Result<Delivery> {
        let form = (self.form, self.to);
        Ok(Delivery::begin(&self.out, form, shape, constants)?)
    }
}

/// The kind of a method that can be exported; the others are refused with the reason.
pub(super) fn servable(signature: &str) -> Result<MethodKind> {
    let (family, _) = from_signature(signature)?;
    nnn_trial::servable(family)
        .map_err(|reason| anyhow!("`{signature}` cannot be exported: it {reason}"))
}
