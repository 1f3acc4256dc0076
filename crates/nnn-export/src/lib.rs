//! Corrections delivered: files of biases, and vectors for search engines in three exact forms.

mod delivery;
mod error;
mod exact;
mod expect;
mod forms;
mod ids;
mod items;
mod manifest;
mod queries;

pub use delivery::{About, Delivery};
pub use error::ExportError;
pub use exact::{Answer, Difference, Exact, Judged, List, Scored, judge, read_answers};
pub use expect::{PGVECTOR_LIMIT, pgvector_limit};
pub use forms::{Constants, Form, FormError, Spread, balanced_scale, rounding};
pub use ids::{Id, Ids};
pub use items::{Format, Shape, Take, read_items};
pub use manifest::{BiasSummary, FileSum, Manifest, QueryMap};
