//! Corrections delivered: files of biases, and vectors for search engines in three exact forms.

mod bias_file;

pub use bias_file::{
    BankMark, BiasFile, BiasFileError, BiasHeader, BiasProblem, BiasRows, BiasWriter, Ids,
    vector_marks,
};
