//! SIGINT and SIGTERM end the program in order: one sentence on what is kept, no temporary file, no bar on the terminal.
//!
//! Files are whole or absent, so that a program may end at any moment. Nothing has to be told to stop, and no loop looks whether
//! it should.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Taken by whoever ends the process, and never let go.
static END: Mutex<()> = Mutex::new(());

/// The end of the verb has come. A signal that came before ends the process in its stead: this then never returns.
pub(crate) fn end() -> MutexGuard<'static, ()> {
    END.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on the first SIGINT or SIGTERM ends the process with the sentence `kept` on standard error and exit status 130 or
/// 143. The second kills it, whatever it does.
///
/// # Errors
/// The system takes no handler or starts no thread.
#[cfg(unix)]
pub(crate) fn end_with(kept: &'static str) -> io::Result<()> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::flag::{register, register_conditional_default};
    use signal_hook::iterator::Signals;
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    // Before all else, so that none is lost.
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let came = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // In this order: the first one finds that none has come.
        register_conditional_default(signal, Arc::clone(&came))?;
        register(signal, Arc::clone(&came))?;
    }
    let wait = move || {
        if let Some(signal) = signals.forever().next() {
            stop(signal, kept);
        }
    };
    std::thread::Builder::new().spawn(wait)?;
    Ok(())
}

/// Elsewhere the system ends the process.
#[cfg(not(unix))]
pub(crate) fn end_with(_kept: &'static str) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn stop(signal: i32, kept: &str) -> ! {
    use std::io::Write;

    let _end = end();
    runner::clear_bars();
    // Nobody else says anything from here on, such as that a file which is removed here cannot be written.
    let mut stderr = io::stderr().lock();
    nnn_files::abandon_temporary_files();
    let name = signal_hook::low_level::signal_name(signal).unwrap_or("a signal");
    // That nobody reads it changes nothing.
    let _ = writeln!(stderr, "stopped by {name}: {kept}");
    std::process::exit(128 + signal)
}
