//! What a sweep leaves in `results/<experiment>/`: the records of its trials, the tables made of them, and `run.json`.

pub(crate) mod folder;
pub(crate) mod page;
pub(crate) mod run_record;
mod seal;
pub(crate) mod trial_record;
