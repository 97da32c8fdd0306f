//! What goes wrong with the store, by the dice of the seed, and how long each of its steps takes.

use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use testkit::{Fault, Faults, Point};

use crate::dice::Dice;
use crate::marks::Injected;
use crate::plan::Rates;
use crate::time::Yield;
use crate::world::World;

/// How many saves in a row lose when losses come in a burst: enough to have a batch halved.
const BURST: u64 = 5;

#[async_trait]
impl Faults for World {
    async fn pause(&self, at: Point) {
        let (ms, turns) = {
            let mut dice = self.fault_dice();
            // Each run opens one window wider than the others.
            let slow: i64 = if at == self.plan.slow { 5 } else { 1 };
            (dice.between(0, self.plan.store_ms * slow), dice.below(3 * slow.unsigned_abs()))
        };
        if ms > 0 {
            self.timers.sleep(ms).await;
        }
        for _ in 0..turns {
            Yield::default().await;
        }
    }

    fn strike(&self, at: Point) -> Option<Fault> {
        if !self.is_stormy() {
            return None;
        }
        let rates = &self.plan.rates;
        let (rate, injected) = match at {
            Point::Session | Point::Load | Point::Loading => (rates.away, Injected::Away),
            Point::Query => (rates.query_away, Injected::QueryAway),
            Point::Saved => (rates.unknown_saved, Injected::UnknownSaved),
            Point::Save => return self.strike_save(),
            Point::Durable => (rates.not_durable, Injected::NotDurable),
            Point::Settle if !self.is_out() && self.fault_dice().happens(rates.settle_cut) => {
                self.faulted.count(Injected::SettleCut);
                return Some(Fault::Unknown);
            }
            Point::Settle => (rates.settle_away, Injected::SettleAway),
        };
        let struck = if self.is_out() { !matches!(at, Point::Saved | Point::Durable) } else { self.fault_dice().happens(rate) };
        struck.then(|| {
            self.faulted.count(injected);
            Fault::Unavailable
        })
    }
}

impl World {
    fn strike_save(&self) -> Option<Fault> {
        if self.is_out() {
            self.faulted.count(Injected::SaveAway);
            return Some(Fault::Unavailable);
        }
        if self.losses.somebody_is_desperate() {
            return None;
        }
        let struck = self.losses.throw(&self.plan.rates, &mut self.fault_dice());
        struck.map(|(injected, fault)| {
            self.faulted.count(injected);
            fault
        })
    }
}

/// Which saves fail: alone, or several in a row.
#[derive(Debug, Default)]
pub(crate) struct Losses {
    burst: AtomicU64,
    desperate: AtomicU64,
}

impl Losses {
    /// A writer has lost so often in a row that one loss more could be its command's last: the engine gives up after twelve and
    /// rightly calls it a bug. Nothing fails on purpose until it is through.
    pub(crate) fn despair(&self) {
        self.desperate.fetch_add(1, Ordering::Relaxed);
    }

    /// It is through.
    pub(crate) fn relax(&self) {
        self.desperate.fetch_sub(1, Ordering::Relaxed);
    }

    fn somebody_is_desperate(&self) -> bool {
        self.desperate.load(Ordering::Relaxed) > 0
    }

    fn throw(&self, rates: &Rates, dice: &mut Dice) -> Option<(Injected, Fault)> {
        let burst = self.burst.load(Ordering::Relaxed);
        if burst > 0 {
            self.burst.store(burst - 1, Ordering::Relaxed);
            return Some((Injected::Lost, Fault::Lost));
        }
        let kinds = [
            (rates.save_away, Injected::SaveAway, Fault::Unavailable),
            (rates.lost, Injected::Lost, Fault::Lost),
            (rates.unknown_not_saved, Injected::UnknownNotSaved, Fault::Unknown),
            (rates.late, Injected::Late, Fault::Late),
        ];
        let (_, injected, fault) = kinds.into_iter().find(|(rate, ..)| dice.happens(*rate))?;
        if fault == Fault::Lost && dice.below(2) == 0 {
            self.burst.store(BURST, Ordering::Relaxed);
        }
        Some((injected, fault))
    }
}
