//! What time it is, and what no one can guess.

use std::time::{SystemTime, UNIX_EPOCH};

use domain::ids::Mint;
use domain::time::Time;

/// Gives the time and fresh seeds.
pub trait Clock: Send + Sync + 'static {
    /// Now.
    fn now(&self) -> Time;

    /// Names for one command: from a cryptographic random source.
    fn mint(&self) -> Mint;
}

/// The machine's clock and random source.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place where the service reads the clock")]
    fn now(&self) -> Time {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Time(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn mint(&self) -> Mint {
        Mint { time: self.now(), seed: rand::random() }
    }
}
