//! `runner fetch`.

use crate::fetch::{all, hub};
use crate::plan::Plan;
use crate::terminal::progress::say;
use anyhow::Result;
use nnn_files::counted;
use std::path::Path;

/// Downloads everything that runs of the plans would, and nothing else; where `offline`, says what is missing.
///
/// # Errors
/// Something cannot be had, or is not what its card says.
pub fn fetch(plans: &[Plan], cache: &Path, offline: bool) -> Result<()> {
    let ready = all(plans, &hub(cache, offline), cache)?;
    for (plan, ready) in plans.iter().zip(ready) {
        let (models, data) = (ready.checkpoints.len(), ready.data.len());
        let config = plan.config.display();
        say(&format!(
            "{config}: {}, {}, nothing left to download",
            counted(models, "model"),
            counted(data, "data set")
        ));
    }
    Ok(())
}
