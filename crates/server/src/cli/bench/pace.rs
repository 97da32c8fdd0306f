//! When the next order is due: at once, or at a constant rate that does not wait for the server.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

/// The clock of a constant rate looks this often at the least; what it adds to a latency at rates above 4,000 a second.
const TICK: Duration = Duration::from_micros(250);

/// How long after the end orders that were due before it are still sent, so that the very last are not told as left over.
const GRACE: Duration = Duration::from_millis(100);

/// When load begins, when it counts, when it ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Phases {
    /// The first order.
    pub(crate) start: Instant,
    /// The first that counts.
    pub(crate) counted: Instant,
    /// None begins from here on.
    pub(crate) end: Instant,
}

/// Hands out the moments at which orders are due.
#[derive(Clone)]
pub(crate) enum Pace {
    /// Each connection as fast as it goes.
    Closed,
    /// Evenly spread.
    Rate(Rc<Rate>),
}

/// A constant rate.
pub(crate) struct Rate {
    due: Arc<Semaphore>,
    next: Cell<u64>,
    per_second: u32,
    phases: Phases,
}

impl Pace {
    /// Starts the clock, if there is a rate.
    pub(crate) fn start(per_second: Option<u32>, phases: Phases) -> Self {
        let Some(per_second) = per_second else { return Self::Closed };
        let due = Arc::new(Semaphore::new(0));
        let permits = Arc::clone(&due);
        // A thread, since timers of the runtime have steps of a millisecond.
        std::thread::spawn(move || tell(&permits, per_second, phases));
        Self::Rate(Rc::new(Rate { due, next: Cell::new(0), per_second, phases }))
    }

    /// Waits until an order is due, and tells when it was; `None` at the end.
    pub(crate) async fn next(&self, phases: Phases) -> Option<Instant> {
        let due = match self {
            Self::Closed => Instant::now(),
            Self::Rate(rate) => {
                rate.due.acquire().await.ok()?.forget();
                if Instant::now() >= phases.end + GRACE {
                    return None;
                }
                let number = rate.next.get();
                rate.next.set(number + 1);
                phases.start + offset(number, rate.per_second)
            }
        };
        (due < phases.end).then_some(due)
    }

    /// When those orders were due that count and that no connection was free for.
    pub(crate) fn left_over(&self) -> impl Iterator<Item = Instant> {
        let (range, per_second, start) = match self {
            Self::Closed => (0..0, 1, None),
            Self::Rate(rate) => {
                let all = before(rate.phases.end - rate.phases.start, rate.per_second);
                let not_counted = before(rate.phases.counted - rate.phases.start, rate.per_second);
                (rate.next.get().max(not_counted)..all, rate.per_second, Some(rate.phases.start))
            }
        };
        range.filter_map(move |number| start.map(|start| start + offset(number, per_second)))
    }
}

/// From the start to when the order of this number is due.
fn offset(number: u64, per_second: u32) -> Duration {
    let rate = u64::from(per_second);
    Duration::from_secs(number / rate) + Duration::from_nanos((number % rate) * 1_000_000_000 / rate)
}

/// How many orders are due before `elapsed` is over.
fn before(elapsed: Duration, per_second: u32) -> u64 {
    let due = (elapsed.as_nanos() * u128::from(per_second)).div_ceil(1_000_000_000);
    u64::try_from(due).unwrap_or(u64::MAX)
}

/// The clock: one permit for each order that has become due, until the end.
fn tell(permits: &Semaphore, per_second: u32, phases: Phases) {
    let all = before(phases.end - phases.start, per_second);
    let mut told = 0;
    while told < all {
        let now = Instant::now();
        let due = before(now.saturating_duration_since(phases.start), per_second).min(all);
        permits.add_permits(usize::try_from(due.saturating_sub(told)).unwrap_or(0));
        told = told.max(due);
        let next = phases.start + offset(told, per_second);
        std::thread::sleep(next.saturating_duration_since(now).max(TICK));
    }
    std::thread::sleep((phases.end + GRACE).saturating_duration_since(Instant::now()));
    permits.close();
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{before, offset};

    #[test]
    fn orders_are_spread_evenly_and_none_is_due_twice() {
        for rate in [1, 3, 7_001, 100_000] {
            for number in [0, 1, 2, 10_000, 1_000_003] {
                assert_eq!(before(offset(number, rate), rate), number, "{number} at {rate}");
                assert_eq!(before(offset(number, rate) + Duration::from_nanos(1), rate), number + 1, "{number} at {rate}");
            }
            assert_eq!(before(Duration::from_secs(8), rate), 8 * u64::from(rate));
        }
    }
}
