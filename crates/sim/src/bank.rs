//! The provider: decides once for each payment, charges at most once, keeps books of its own, and may not be heard.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use domain::command::{ProviderAnswer, RefundWord};
use domain::ids::{OrderId, PaymentId, RefundId};
use engine::port::{PaymentProvider, ProviderCall, RefundCall};
use testkit::provider::answer_of;

use crate::dice::Dice;
use crate::instance::{record, record_refund};
use crate::marks::{Injected, Mark};
use crate::scheduler::Owner;
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
    /// What went back, by refund; minor units.
    pub refunds: BTreeMap<RefundId, i64>,
    /// What it refused to give back.
    pub kept: BTreeSet<RefundId>,
    /// How often it was asked for.
    pub calls: u32,
    /// Whether an answer got through.
    pub was_heard: bool,
    /// It was declined first, and charged after all.
    pub was_revised: bool,
}

/// The provider.
pub struct Bank {
    world: Arc<World>,
    books: Arc<Mutex<BTreeMap<PaymentId, Entry>>>,
}

impl Bank {
    /// With empty books.
    pub fn new(world: Arc<World>) -> Self {
        Self { world, books: Arc::default() }
    }

    /// The books.
    pub fn books(&self) -> MutexGuard<'_, BTreeMap<PaymentId, Entry>> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
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
            Entry {
                order_id: payment.order_id,
                amount: payment.amount,
                charged: if declines { 0 } else { payment.amount },
                refunds: BTreeMap::new(),
                kept: BTreeSet::new(),
                calls: 0,
                was_heard: false,
                was_revised: false,
            }
        });
        entry.calls += 1;
        if entry.charged > 0 && entry.calls > 1 && !entry.was_heard {
            self.world.mark(Mark::ChargedInSilence);
        }
        if entry.calls == 1 && !silent && !self.world.plan.rush && self.world.strikes(self.world.plan.rates.provider_tells) {
            let revises = entry.charged == 0 && self.world.fault_dice().below(2) == 0;
            self.tell(payment.payment_id, payment.amount, revises);
        }
        match (silent, entry.charged) {
            (true, _) => ProviderAnswer::Silent,
            (false, 0) => declined(),
            (false, _) => captured(payment.payment_id),
        }
    }
}

impl Bank {
    /// Asked again about the same refund, it says the same and gives nothing more.
    fn give_back(&self, call: &RefundCall) -> RefundWord {
        let (refund_id, amount) = (call.refund.refund_id, call.refund.amount);
        // No fault, but a word: it may say so at any time.
        let keeps = self.world.fault_dice().happens(self.world.plan.rates.provider_keeps);
        let mut books = self.books();
        let Some(entry) = books.get_mut(&call.payment.payment_id).filter(|entry| entry.charged > 0) else {
            drop(books);
            self.world.violation(format!("the provider is asked to give back what it never took: {call:?}"));
            return RefundWord::Silent;
        };
        if !entry.refunds.contains_key(&refund_id) && (keeps || entry.kept.contains(&refund_id)) {
            if entry.kept.insert(refund_id) {
                self.world.faulted.count(Injected::ProviderKept);
            }
            return RefundWord::Refused { reason: "refund_refused".into() };
        }
        entry.refunds.insert(refund_id, amount);
        RefundWord::Done { provider_ref: Some(format!("bank_{refund_id}").into()) }
    }
}

fn declined() -> ProviderAnswer {
    ProviderAnswer::Declined { reason: "card_declined".into() }
}

fn captured(payment_id: PaymentId) -> ProviderAnswer {
    ProviderAnswer::Captured { provider_ref: format!("bank_{payment_id}").into() }
}

impl Bank {
    /// Tells its news by itself too: late, more than once, and sometimes that what it declined is charged after all.
    fn tell(&self, payment_id: PaymentId, amount: i64, revises: bool) {
        let (world, books) = (self.world.clone(), self.books.clone());
        let (times, mut dice) = {
            let mut dice = self.world.fault_dice();
            (dice.count(1, 2), Dice::new(dice.throw(), 9))
        };
        self.world.spawn(Owner::Client, "news", async move {
            for _ in 0..times {
                world.timers.sleep(dice.between(0, 20_000)).await;
                let charged = {
                    let mut books = books.lock().unwrap_or_else(PoisonError::into_inner);
                    books.get_mut(&payment_id).is_some_and(|entry| {
                        entry.was_revised |= revises;
                        entry.charged = if revises { amount } else { entry.charged };
                        entry.charged > 0
                    })
                };
                if revises {
                    world.faulted.count(Injected::ProviderRevised);
                }
                let said = if charged { captured(payment_id) } else { declined() };
                deliver(&world, payment_id, said, &mut dice).await;
                if revises && dice.below(2) == 0 {
                    // The older news, overtaken on the way.
                    deliver(&world, payment_id, declined(), &mut dice).await;
                }
            }
        });
    }
}

impl Bank {
    /// Tells of a refund by itself too: at any instance, about when the call is answered or lost, and once more later.
    fn tell_of_refund(&self, refund_id: RefundId, said: RefundWord) {
        let world = self.world.clone();
        let mut dice = Dice::new(world.fault_dice().throw(), 15);
        self.world.spawn(Owner::Client, "refund news", async move {
            for most in [600, 10_000] {
                world.timers.sleep(dice.between(0, most)).await;
                if let Some(instance) = world.instance(dice.index(world.plan.instances)) {
                    instance.unless_dead(record_refund(&world, &instance.engine, refund_id, said.clone())).await;
                }
            }
        });
    }
}

/// Until it is acknowledged, as providers do.
async fn deliver(world: &Arc<World>, payment_id: PaymentId, said: ProviderAnswer, dice: &mut Dice) {
    loop {
        if let Some(instance) = world.instance(dice.index(world.plan.instances)) {
            let recorded = instance.unless_dead(record(world, &instance.engine, payment_id, said.clone())).await;
            if recorded == Some(true) {
                return;
            }
        }
        world.timers.sleep(dice.between(500, 5000)).await;
    }
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

    async fn refund(&self, call: RefundCall) -> RefundWord {
        let (there, back) = (self.takes_ms(), self.takes_ms());
        self.world.timers.sleep(there).await;
        if self.world.strikes(self.world.plan.rates.provider_deaf) {
            self.world.faulted.count(Injected::ProviderDeaf);
            return RefundWord::Silent;
        }
        let said = self.give_back(&call);
        if self.world.strikes(self.world.plan.rates.provider_tells) {
            self.tell_of_refund(call.refund.refund_id, said.clone());
        }
        self.world.timers.sleep(back).await;
        if self.world.strikes(self.world.plan.rates.provider_mute) {
            self.world.faulted.count(Injected::ProviderMute);
            return RefundWord::Silent;
        }
        said
    }
}
