//! A provider that answers as the payment method says and keeps books of its own, to judge ours by.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use domain::command::{ProviderAnswer, RefundWord};
use domain::ids::{OrderId, PaymentId, RefundId};
use domain::money::Currency;
use engine::port::{PaymentProvider, ProviderCall, RefundCall};

/// What the provider wrote down of a payment when it was first asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// What it pays for.
    pub order_id: OrderId,
    /// Minor units.
    pub amount: i64,
    /// The currency of `amount`.
    pub currency: Currency,
    /// What it answered, and answers for ever.
    pub said: ProviderAnswer,
    /// What went back, by refund; minor units.
    pub refunds: BTreeMap<RefundId, i64>,
    /// How often it was asked.
    pub calls: u32,
}

impl Entry {
    /// Whether the money was taken.
    pub fn is_charged(&self) -> bool {
        matches!(self.said, ProviderAnswer::Captured { .. })
    }
}

/// Captures with `card_stub` and every method it does not know, declines with `card_stub_decline`, is silent with
/// `card_stub_timeout`. Asked twice about one payment, it says the same and charges once.
#[derive(Debug, Default)]
pub struct ScriptedProvider {
    books: Mutex<BTreeMap<PaymentId, Entry>>,
}

impl ScriptedProvider {
    /// Everything it ever wrote down.
    pub fn books(&self) -> BTreeMap<PaymentId, Entry> {
        self.lock().clone()
    }

    /// How often it took money for an order. More than once is what must never be.
    pub fn charges(&self) -> BTreeMap<OrderId, u32> {
        let mut charges = BTreeMap::new();
        for entry in self.lock().values().filter(|entry| entry.is_charged()) {
            *charges.entry(entry.order_id).or_default() += 1;
        }
        charges
    }

    /// Speaks after all: what it says about `payment_id` from now on, however silent it was.
    pub fn make_up_its_mind(&self, payment_id: PaymentId, said: ProviderAnswer) {
        if let Some(entry) = self.lock().get_mut(&payment_id) {
            entry.said = said;
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<PaymentId, Entry>> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is said about a payment by its method.
pub fn answer_of(method: &str, payment_id: PaymentId) -> ProviderAnswer {
    match method {
        "card_stub_decline" => ProviderAnswer::Declined { reason: "card_declined".into() },
        "card_stub_timeout" => ProviderAnswer::Silent,
        _ => ProviderAnswer::Captured { provider_ref: format!("stub_{payment_id}").into() },
    }
}

#[async_trait]
impl PaymentProvider for ScriptedProvider {
    fn name(&self) -> &'static str {
        "stub"
    }

    async fn capture(&self, call: ProviderCall) -> ProviderAnswer {
        let payment = call.payment;
        let mut books = self.lock();
        let entry = books.entry(payment.payment_id).or_insert_with(|| Entry {
            order_id: payment.order_id,
            amount: payment.amount,
            currency: payment.currency,
            said: answer_of(payment.method.as_str(), payment.payment_id),
            refunds: BTreeMap::new(),
            calls: 0,
        });
        entry.calls += 1;
        entry.said.clone()
    }

    async fn refund(&self, call: RefundCall) -> RefundWord {
        let mut books = self.lock();
        let Some(entry) = books.get_mut(&call.payment.payment_id).filter(|entry| entry.is_charged()) else {
            return RefundWord::Refused { reason: "nothing_was_charged".into() };
        };
        if !entry.refunds.contains_key(&call.refund.refund_id) {
            if entry.refunds.values().sum::<i64>() + call.refund.amount > entry.amount {
                return RefundWord::Refused { reason: "more_than_was_charged".into() };
            }
            entry.refunds.insert(call.refund.refund_id, call.refund.amount);
        }
        RefundWord::Done { provider_ref: Some(format!("stub_{}", call.refund.refund_id).into()) }
    }
}
