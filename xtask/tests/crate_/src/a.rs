//! Imports for tests do not count.

pub struct Above;

#[cfg(test)]
mod tests {
    use crate::b::Inner;
}
