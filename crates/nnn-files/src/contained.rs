//! Panics of libraries at damaged files.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    /// Whether this thread is within [`contained`].
    static CONTAINED: Cell<bool> = const { Cell::new(false) };
}

/// Runs one read of a foreign file by a library that panics at some damaged ones; such a panic becomes the error that `panicked`
/// makes of its message, and is not printed. Nothing may outlive `read` but what it returns, so that no half-changed state
/// can be seen.
///
/// # Errors
/// What `read` returns, and what `panicked` makes of a panic.
pub fn contained<T, E>(
    read: impl FnOnce() -> Result<T, E>,
    panicked: impl FnOnce(&str) -> E,
) -> Result<T, E> {
    silence_contained();
    let outer = CONTAINED.replace(true);
    let outcome = catch_unwind(AssertUnwindSafe(read));
    CONTAINED.set(outer);
    outcome.unwrap_or_else(|cause| Err(panicked(said(&*cause))))
}

fn said(cause: &(dyn Any + Send)) -> &str {
    let text = cause.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| cause.downcast_ref::<&str>().copied())
        .unwrap_or("what it holds contradicts itself")
}

/// The process's hook, which prints, is left for all other panics.
fn silence_contained() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let printing = take_hook();
        set_hook(Box::new(move |panic| {
            if !CONTAINED.get() {
                printing(panic);
            }
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_with_its_message() {
        let text = contained::<(), _>(|| panic!("page {}", 3), str::to_owned);
        assert_eq!(text, Err("page 3".to_owned()));
        let fixed = contained::<(), _>(|| panic!("no page"), str::to_owned);
        assert_eq!(fixed, Err("no page".to_owned()));
        assert_eq!(contained(|| Ok::<_, String>(1), str::to_owned), Ok(1));
    }

    #[test]
    fn after_a_read_within_a_read_the_outer_one_is_still_contained() {
        let outer = || -> Result<(), String> {
            let _ = contained::<(), _>(|| panic!("inner"), str::to_owned);
            assert!(CONTAINED.get());
            Ok(())
        };
        assert_eq!(contained(outer, str::to_owned), Ok(()));
        assert!(!CONTAINED.get());
    }
}
