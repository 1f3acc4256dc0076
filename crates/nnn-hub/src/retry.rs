//! Trying again: after how long, and how often.

use crate::error::HubError;
use rand::RngExt;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// How often a failing transfer is tried, and how long the pauses are.
///
/// The pause after the `n`-th failure in a row is drawn evenly from `[d/2, d]` with `d = min(first 2^(n-1), longest)`, or
/// is what the server asks for, where it asks. A try that brought new bytes begins the count again.
#[derive(Clone)]
pub struct Patience {
    /// Tries in a row without a new byte before giving up; at least 1.
    pub tries: u32,
    /// The first pause.
    pub first: Duration,
    /// The longest pause; a server that asks for a longer one is given up on.
    pub longest: Duration,
    /// Carries out a pause.
    pub sleep: Arc<dyn Fn(Duration) + Send + Sync>,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            tries: 6,
            first: Duration::from_millis(500),
            longest: Duration::from_secs(120),
            sleep: Arc::new(std::thread::sleep),
        }
    }
}

impl fmt::Debug for Patience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Patience({} tries from {:?})", self.tries, self.first)
    }
}

impl Patience {
    /// The pause after so many failures in a row.
    fn pause(&self, failures: u32) -> Duration {
        let doubled = self.first.saturating_mul(1 << (failures - 1).min(20));
        let most = doubled.min(self.longest);
        most.mul_f64(rand::rng().random_range(0.5..=1.0))
    }
}

/// Why one try failed.
pub(crate) enum Fault {
    /// It may pass.
    Passing {
        reason: String,
        /// What the server asks for.
        wait: Option<Duration>,
        /// Whether new bytes have arrived.
        advanced: bool,
    },
    /// It will not.
    Lasting(HubError),
}

impl Fault {
    pub(crate) fn passing(reason: impl Into<String>) -> Self {
        Self::Passing {
            reason: reason.into(),
            wait: None,
            advanced: false,
        }
    }
}

impl From<HubError> for Fault {
    fn from(error: HubError) -> Self {
        Self::Lasting(error)
    }
}

/// Tries until it works, cannot work, or has failed too often in a row.
pub(crate) fn persist<T>(
    patience: &Patience,
    (name, url): (&str, &str),
    tell: &dyn Fn(&str, Duration),
    mut attempt: impl FnMut() -> Result<T, Fault>,
) -> Result<T, HubError> {
    let mut failures = 0;
    loop {
        let (reason, wait, advanced) = match attempt() {
            Ok(value) => return Ok(value),
            Err(Fault::Lasting(error)) => return Err(error),
            Err(Fault::Passing {
                reason,
                wait,
                advanced,
            }) => (reason, wait, advanced),
        };
        failures = if advanced { 1 } else { failures + 1 };
        if failures >= patience.tries || wait.is_some_and(|wait| wait > patience.longest) {
            return Err(HubError::GaveUp {
                name: name.to_owned(),
                url: url.to_owned(),
                tries: failures,
                reason,
            });
        }
        let pause = wait.unwrap_or_else(|| patience.pause(failures));
        tell(&reason, pause);
        (patience.sleep)(pause);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let patience = Patience {
            longest: Duration::from_secs(3),
            ..Patience::default()
        };
        for (failures, most) in [(1, 500), (2, 1000), (3, 2000), (4, 3000), (40, 3000)] {
            let pause = patience.pause(failures).as_millis();
            assert!((most / 2..=most).contains(&pause), "{failures}: {pause}");
        }
    }
}
