//! What the command line offers, without its options: each prints to standard output.

mod arrays;
mod bias;
mod biased;
mod check;
mod dry_run;
mod export;
mod fetch;
mod fitting;
mod list;
mod report;
mod run;
mod schema;
mod verify;

pub use arrays::array_file;
pub use bias::{BiasRequest, bias};
pub use check::check;
pub use dry_run::dry_run;
pub use export::{ExportOptions, export};
pub use fetch::fetch;
pub use list::{What, list};
pub use report::report;
pub use run::{Format, run};
pub use schema::schema;
pub use verify::{VerifyOptions, verify};
