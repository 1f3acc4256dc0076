//! Tests of the workspace itself, in `tests/`: which crate may depend on which, what must be registered, and how long a
//! function may be.
