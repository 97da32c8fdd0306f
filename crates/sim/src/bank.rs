//! The provider: decides once for each payment, charges at most once, keeps books of its own, and may not be heard.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use domain::command::ProviderAnswer;
use domain::ids::{OrderId, PaymentId};
use engine::port::{PaymentProvider, ProviderCall};
use testkit::provider::answer_of;

use crate::marks::{Injected, Mark};
use crate::world::World;

/// What the provider wrote down of a payment.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What it pays for.
    pub order_id: OrderId,
    /// Minor units that it was asked for.
    pub amount: i64,
    /// Minor units that were charged; 0: it was declined.
    pub charged: i64,
    /// How often it was asked for.
    pub calls: u32,
    /// Whether an answer got through.
    pub was_heard: bool,
}

/// The provider.
pub struct Bank {
    world: Arc<World>,
    books: Mutex<BTreeMap<PaymentId, Entry>>,
}

impl Bank {
    /// With empty books.
    pub fn new(world: Arc<World>) -> Self {
        Self { world, books: Mutex::default() }
    }

    /// The books.
    pub fn books(&self) -> MutexGuard<'_, BTreeMap<PaymentId, Entry>> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Charges what was declined.
    pub fn charge_after_all(&self, payment_id: PaymentId) -> ProviderAnswer {
        if let Some(entry) = self.books().get_mut(&payment_id) {
            entry.charged = entry.amount;
        }
        captured(payment_id)
    }

    fn takes_ms(&self) -> i64 {
        let mut dice = self.world.fault_dice();
        // One answer in sixteen takes longer than anybody waits.
        if dice.below(16) == 0 && self.world.is_stormy() { dice.between(3000, 9000) } else { dice.between(0, 300) }
    }

    /// Decides, or repeats what was decided.
    fn decide(&self, call: &ProviderCall) -> ProviderAnswer {
        let payment = &call.payment;
        let asked = answer_of(payment.method.as_str(), payment.payment_id);
        let silent = asked == ProviderAnswer::Silent && !self.world.is_healed();
        let declines = matches!(asked, ProviderAnswer::Declined { .. });
        let declines = declines || (!self.world.plan.rush && self.world.strikes(self.world.plan.rates.provider_declines));
        let mut books = self.books();
        let entry = books.entry(payment.payment_id).or_insert_with(|| {
            if declines {
                self.world.faulted.count(Injected::ProviderDeclined);
            }
            Entry { order_id: payment.order_id, amount: payment.amount, charged: if declines { 0 } else { payment.amount }, calls: 0, was_heard: false }
        });
        entry.calls += 1;
        if entry.charged > 0 && entry.calls > 1 && !entry.was_heard {
            self.world.mark(Mark::ChargedInSilence);
        }
        match (silent, entry.charged) {
            (true, _) => ProviderAnswer::Silent,
            (false, 0) => ProviderAnswer::Declined { reason: "card_declined".into() },
            (false, _) => captured(payment.payment_id),
        }
    }
}

fn captured(payment_id: PaymentId) -> ProviderAnswer {
    ProviderAnswer::Captured { provider_ref: format!("bank_{payment_id}").into() }
}

#[async_trait]
impl PaymentProvider for Bank {
    fn name(&self) -> &'static str {
        "stub"
    }

    async fn capture(&self, call: ProviderCall) -> ProviderAnswer {
        let (there, back) = (self.takes_ms(), self.takes_ms());
        self.world.timers.sleep(there).await;
        if self.world.strikes(self.world.plan.rates.provider_deaf) {
            self.world.faulted.count(Injected::ProviderDeaf);
            return ProviderAnswer::Silent;
        }
        let said = self.decide(&call);
        self.world.timers.sleep(back).await;
        if self.world.strikes(self.world.plan.rates.provider_mute) {
            self.world.faulted.count(Injected::ProviderMute);
            return ProviderAnswer::Silent;
        }
        if let Some(entry) = self.books().get_mut(&call.payment.payment_id) {
            entry.was_heard = said != ProviderAnswer::Silent;
        }
        said
    }
}
