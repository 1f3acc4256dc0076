//! Corrections delivered: files of biases, and vectors for search engines in three exact forms.
