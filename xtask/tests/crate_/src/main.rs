//! The program sees the library by its name.

use crate_::b;

fn main() {
    b::outer();
    let _ = crate_::Inner;
}
