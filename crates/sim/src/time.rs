//! Time that moves only when the scheduler moves it: sleeping, yielding, clocks that go wrong by a little.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use domain::ids::Mint;
use domain::time::Time;
use engine::port::Clock;
use testkit::StepClock;

/// Who sleeps until when.
#[derive(Debug)]
pub struct Timers {
    clock: Arc<StepClock>,
    waiting: Mutex<BTreeMap<(Time, u64), Waker>>,
    given: AtomicU64,
}

impl Timers {
    /// Nobody sleeps yet.
    pub fn new(clock: Arc<StepClock>) -> Self {
        Self { clock, waiting: Mutex::default(), given: AtomicU64::new(0) }
    }

    /// Returns when `ms` milliseconds have passed.
    pub fn sleep(&self, ms: i64) -> Sleep<'_> {
        Sleep { timers: self, until: Time(self.clock.now().0.saturating_add(ms)), place: None }
    }

    /// Moves the clock to the next moment at which somebody wakes, and wakes all whose time has come. False: nobody sleeps.
    pub fn advance(&self) -> bool {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((&(next, _), _)) = waiting.first_key_value() else { return false };
        if next > self.clock.now() {
            self.clock.set(next);
        }
        let later = waiting.split_off(&(Time(self.clock.now().0.saturating_add(1)), 0));
        let woken = std::mem::replace(&mut *waiting, later);
        drop(waiting);
        woken.into_values().for_each(Waker::wake);
        true
    }
}

/// Sleeps.
#[derive(Debug)]
pub struct Sleep<'a> {
    timers: &'a Timers,
    until: Time,
    place: Option<(Time, u64)>,
}

impl Future for Sleep<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.timers.clock.now() >= self.until {
            return Poll::Ready(());
        }
        let place = self.place.unwrap_or_else(|| (self.until, self.timers.given.fetch_add(1, Ordering::Relaxed)));
        self.place = Some(place);
        self.timers.waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(place, cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep<'_> {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            self.timers.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&place);
        }
    }
}

/// Lets others go on once.
#[derive(Debug, Default)]
pub struct Yield(bool);

impl Future for Yield {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.0 {
            return Poll::Ready(());
        }
        self.0 = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// The clock of one instance: the true one, a little off.
#[derive(Debug)]
pub struct SkewedClock {
    /// The true one.
    pub truth: Arc<StepClock>,
    /// How far ahead, in milliseconds.
    pub ahead_ms: i64,
}

impl Clock for SkewedClock {
    fn now(&self) -> Time {
        Time(self.truth.now().0.saturating_add(self.ahead_ms))
    }

    fn mint(&self) -> Mint {
        Mint { time: self.now(), ..self.truth.mint() }
    }
}
