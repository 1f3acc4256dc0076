//! What queries share that are not independent.

use std::fmt;

/// What a bootstrap draws and a paired test flips as a whole: all queries of one of these together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cluster {
    /// The image that texts belong to, or that asks.
    Image,
    /// The class that texts describe, such as an occupation.
    Class,
    /// The gallery item that answers the queries.
    Item,
    /// A query by itself: nothing is known to be shared.
    Query,
}

impl fmt::Display for Cluster {
    /// One of them, in words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Image => "image",
            Self::Class => "class",
            Self::Item => "gallery item",
            Self::Query => "query",
        })
    }
}
