//! Records to files, tables, summary and check, and back.

mod bias;
mod check;
mod figures;
mod files;
mod fixture;
mod page;
mod shown;
mod summary;
mod tables;
mod whole;
