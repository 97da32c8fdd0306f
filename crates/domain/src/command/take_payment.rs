//! Takes an unanswered payment over: of all instances that see it due, one asks the provider.

use std::sync::Arc;

use super::draft::{unchanged, unreadable};
use super::{Answer, Command, Context, Decision, Stop};
use crate::ids::PaymentId;
use crate::payment::Payment;
use crate::tables::{Changes, Needs, View, Write};

/// Takes the payment for `lease_seconds`, if it is open and due.
#[derive(Clone, Debug)]
pub struct TakePayment {
    /// Which payment.
    pub payment_id: PaymentId,
    /// How long nobody else shall take it.
    pub lease_seconds: i64,
}

/// The payment, if it is now this instance's to ask about.
#[derive(Clone, PartialEq, Debug)]
pub struct Taken(pub Option<Arc<Payment>>);

impl Answer for Taken {
    fn remember(&self) -> String {
        self.0.as_ref().map(|payment| payment.payment_id.to_string()).unwrap_or_default()
    }

    fn recall(stored: &str, _: &View) -> Result<Self, Stop> {
        // Workers use no keys: a lease that was given is never given again.
        Err(unreadable("Payments", stored).into())
    }
}

impl Command for TakePayment {
    type Answer = Taken;
    const NAME: &'static str = "take_payment";

    fn needs(&self, _: &View, _: &Context, needs: &mut Needs) {
        needs.payments.insert(self.payment_id);
    }

    fn decide(&self, seen: &View, cx: &Context) -> Result<Decision<Taken>, Stop> {
        let due = |payment: &&Arc<Payment>| payment.status.is_open() && payment.next_check_at.is_some_and(|at| at <= cx.now);
        let Some(payment) = seen.payments.get(&self.payment_id)?.filter(due) else {
            return Ok(unchanged(Taken(None)));
        };
        let taken = Arc::new(Payment {
            next_check_at: Some(cx.now.plus_seconds(self.lease_seconds)),
            version: payment.version.saturating_add(1),
            updated_at: cx.now,
            ..(**payment).clone()
        });
        let mut changes = Changes::default();
        changes.payments.insert(taken.payment_id, Write { expected: payment.version, row: taken.clone() });
        Ok(Decision { changes, answer: Taken(Some(taken)) })
    }
}
