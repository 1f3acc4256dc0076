//! Records to files, tables, summary and check, and back.

mod check;
mod files;
mod fixture;
mod summary;
mod tables;
