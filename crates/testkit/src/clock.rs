//! A clock that stands still until it is told otherwise, and mints the same names in every run.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use domain::ids::Mint;
use domain::time::Time;
use engine::port::Clock;

/// 2100-01-01: later than any real clock, so that a store's own `now()` finds nothing overdue.
pub const START: Time = Time(4_102_444_800_000);

/// A clock that only moves when it is told to.
#[derive(Debug)]
pub struct StepClock {
    now_ms: AtomicI64,
    minted: AtomicU64,
    seed: u64,
}

impl StepClock {
    /// Stands at `now`; clocks with the same `seed` mint the same names.
    pub fn new(now: Time, seed: u64) -> Self {
        Self { now_ms: AtomicI64::new(now.0), minted: AtomicU64::new(0), seed }
    }

    /// Sets it, back too.
    pub fn set(&self, now: Time) {
        self.now_ms.store(now.0, Ordering::Relaxed);
    }

    /// Moves it on.
    pub fn advance_ms(&self, ms: i64) {
        self.now_ms.fetch_add(ms, Ordering::Relaxed);
    }
}

impl Default for StepClock {
    fn default() -> Self {
        Self::new(START, 0)
    }
}

impl Clock for StepClock {
    fn now(&self) -> Time {
        Time(self.now_ms.load(Ordering::Relaxed))
    }

    fn mint(&self) -> Mint {
        // A Weyl sequence: 2^64 different seeds before one comes again.
        let count = self.minted.fetch_add(1, Ordering::Relaxed);
        Mint { time: self.now(), seed: self.seed.wrapping_add(count.wrapping_mul(0x9e37_79b9_7f4a_7c15)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_clocks_with_one_seed_mint_the_same_distinct_names() {
        let (left, right) = (StepClock::new(START, 7), StepClock::new(START, 7));
        let mints: Vec<Mint> = (0..100).map(|_| left.mint()).collect();
        assert!(mints.iter().all(|mint| *mint == right.mint()));
        assert!(mints.windows(2).all(|pair| pair[0] != pair[1]));
        left.advance_ms(5);
        assert_eq!(left.now().0, START.0 + 5);
    }
}
