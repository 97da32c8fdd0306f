//! Takes an unanswered refund over: of all instances that see it due, one asks the provider.

use std::sync::Arc;

use super::draft::{unchanged, unreadable};
use super::{Answer, Command, Context, Decision, Stop};
use crate::ids::RefundId;
use crate::payment::Payment;
use crate::refund::{Refund, Status};
use crate::tables::{Changes, Needs, View, Write};

/// Takes the refund for `lease_seconds`, if it is under way and due.
#[derive(Clone, Debug)]
pub struct TakeRefund {
    /// Which refund.
    pub refund_id: RefundId,
    /// How long nobody else shall take it.
    pub lease_seconds: i64,
}

/// The refund and its payment, if it is now this instance's to ask about.
#[derive(Clone, PartialEq, Debug)]
pub struct TakenRefund(pub Option<(Arc<Refund>, Arc<Payment>)>);

impl Answer for TakenRefund {
    fn remember(&self) -> String {
        self.0.as_ref().map(|(refund, _)| refund.refund_id.to_string()).unwrap_or_default()
    }

    fn recall(stored: &str, _: &View) -> Result<Self, Stop> {
        // Workers use no keys: a lease that was given is never given again.
        Err(unreadable("Refunds", stored).into())
    }
}

impl Command for TakeRefund {
    type Answer = TakenRefund;
    const NAME: &'static str = "take_refund";

    fn needs(&self, seen: &View, _: &Context, needs: &mut Needs) {
        needs.refunds.insert(self.refund_id);
        needs.payments.extend(seen.refunds.peek(&self.refund_id).map(|refund| refund.payment_id));
    }

    fn decide(&self, seen: &View, cx: &Context) -> Result<Decision<TakenRefund>, Stop> {
        let due = |refund: &&Arc<Refund>| refund.status == Status::Processing && refund.next_check_at.is_some_and(|at| at <= cx.now);
        let Some(refund) = seen.refunds.get(&self.refund_id)?.filter(due) else {
            return Ok(unchanged(TakenRefund(None)));
        };
        let Some(payment) = seen.payments.get(&refund.payment_id)? else {
            return Ok(unchanged(TakenRefund(None)));
        };
        let taken = Arc::new(Refund {
            next_check_at: Some(cx.now.plus_seconds(self.lease_seconds)),
            version: refund.version.saturating_add(1),
            updated_at: cx.now,
            ..(**refund).clone()
        });
        let mut changes = Changes::default();
        changes.refunds.insert(taken.refund_id, Write { expected: refund.version, row: taken.clone() });
        Ok(Decision { changes, answer: TakenRefund(Some((taken, payment.clone()))) })
    }
}
