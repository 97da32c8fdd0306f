//! What goes wrong with the store, by the dice of the seed, and how long each of its steps takes.

use async_trait::async_trait;
use testkit::{Fault, Faults, Point};

use crate::marks::Injected;
use crate::time::Yield;
use crate::world::World;

#[async_trait]
impl Faults for World {
    async fn pause(&self, _at: Point) {
        let (ms, turns) = {
            let mut dice = self.fault_dice();
            (dice.between(0, self.plan.store_ms), dice.below(3))
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
            Point::Settle => (rates.settle_away, Injected::SettleAway),
            Point::Saved => (rates.unknown_saved, Injected::UnknownSaved),
            Point::Save => return self.strike_save(),
        };
        let struck = if self.is_out() { at != Point::Saved } else { self.fault_dice().happens(rate) };
        struck.then(|| {
            self.faulted.count(injected);
            Fault::Unavailable
        })
    }
}

impl World {
    fn strike_save(&self) -> Option<Fault> {
        let rates = &self.plan.rates;
        let kinds = [
            (rates.save_away, Injected::SaveAway, Fault::Unavailable),
            (rates.lost, Injected::Lost, Fault::Lost),
            (rates.unknown_not_saved, Injected::UnknownNotSaved, Fault::Unknown),
            (rates.late, Injected::Late, Fault::Late),
        ];
        if self.is_out() {
            self.faulted.count(Injected::SaveAway);
            return Some(Fault::Unavailable);
        }
        let mut dice = self.fault_dice();
        let (_, injected, fault) = kinds.into_iter().find(|(rate, ..)| dice.happens(*rate))?;
        self.faulted.count(injected);
        Some(fault)
    }
}
