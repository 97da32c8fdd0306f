//! Seeded randomness for long runs, and how long they are.

use std::time::{Duration, Instant};

/// Orders of a long run, where nobody says how many: as many as fit beside all other tests on two cores.
const ORDERS: usize = 2000;
/// On a busy machine it ends earlier.
const WITHIN: Duration = Duration::from_secs(50);
/// With fewer it proves nothing.
const ORDERS_MIN: usize = 100;

/// How long a run is: `ORDO_LIVE_ORDERS` orders, however long that takes; without it what fits beside all other tests.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Length {
    pub(crate) orders: usize,
    until: Option<Instant>,
}

impl Length {
    /// Begins now.
    pub(crate) fn given() -> Self {
        match std::env::var("ORDO_LIVE_ORDERS") {
            Ok(text) => {
                let orders = text.parse().unwrap_or_else(|_| panic!("ORDO_LIVE_ORDERS must be a number, not {text}"));
                Self { orders, until: None }
            }
            Err(_) => Self { orders: ORDERS, until: Some(Instant::now() + WITHIN) },
        }
    }

    /// Whether no new orders are placed.
    pub(crate) fn is_over(&self) -> bool {
        self.until.is_some_and(|until| Instant::now() >= until)
    }

    /// Fails a run that was too short to say anything.
    pub(crate) fn was_enough(&self, orders: usize) {
        eprintln!("{orders} orders");
        assert!(orders >= self.orders.min(ORDERS_MIN), "invalid: only {orders} orders were placed");
    }
}

/// Throws numbers: the same for the same seed. `SplitMix64`.
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0xd6e8_feb8_6659_fd93))
    }

    pub(crate) fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// 0 up to `end`, not included.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.throw() % u64::try_from(end).expect("small")).expect("below a usize")
    }

    pub(crate) fn pick<T: Copy>(&mut self, things: &[T]) -> T {
        things[self.below(things.len())]
    }

    pub(crate) fn uuid(&mut self) -> String {
        let bits = (u128::from(self.throw()) << 64) | u128::from(self.throw());
        uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid().to_string()
    }
}
