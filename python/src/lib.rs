//! The Python package `nnn_bench`: corrections of hubness over NumPy arrays.
//!
//! What is computed is the workspace's; here arguments are read, threads watched and errors named. A file for each group of functions,
//! and below them what they share: `array` and `bank` (vectors where they lie), `call` and `pool` (long calls without the GIL), `method`
//! and `fitting`, `relevance`, `error`.

mod array;
mod bank;
mod bias;
mod call;
mod error;
mod export;
mod fitting;
mod forms;
mod measure;
mod method;
mod partial;
mod pool;
mod rank;
mod relevance;
mod shard;
mod table;
mod trial;

use pyo3::prelude::*;

/// What `nnn_bench` is made of; import it from there.
#[pymodule]
mod _core {
    #[pymodule_export]
    use crate::bank::Bank;
    #[pymodule_export]
    use crate::bias::bias;
    #[pymodule_export]
    use crate::export::export;
    #[pymodule_export]
    use crate::forms::{PyForm, augment, augment_queries};
    #[pymodule_export]
    use crate::measure::{_choose, _run_trial};
    #[pymodule_export]
    use crate::method::methods;
    #[pymodule_export]
    use crate::partial::PyPartial;
    #[pymodule_export]
    use crate::rank::{hubness, rank};
    #[pymodule_export]
    use crate::shard::{PyCounts, PyShard, PyThresholds};
    #[pymodule_export]
    use crate::table::Table;
    #[pymodule_export]
    use crate::trial::PyTrial;
    use pyo3::prelude::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
