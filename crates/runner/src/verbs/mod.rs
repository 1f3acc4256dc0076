//! What the command line offers, without its options: each prints to standard output.

mod bias;
mod check;
mod dry_run;
mod fetch;
mod list;
mod run;
mod schema;

pub use bias::{BiasRequest, bias};
pub use check::check;
pub use dry_run::dry_run;
pub use fetch::fetch;
pub use list::{What, list};
pub use run::run;
pub use schema::schema;
