//! Records money that was received by hand: on delivery, or outside of any provider.

use super::create_payment::PaymentAnswer;
use super::draft::unchanged;
use super::record_payment::captured;
use super::{Command, Context, Decision, Draft, OrderAnswer, Stop};
use crate::ids::PaymentId;
use crate::payment::{EXTERNAL, News, Payment, next};
use crate::refusal::PaymentRefusal;
use crate::tables::{Needs, View};

/// Records that the money of an attempt was received by hand. Again: nothing happens.
#[derive(Clone, Debug)]
pub struct CollectPayment {
    /// Of which payment.
    pub payment_id: PaymentId,
}

impl Command for CollectPayment {
    type Answer = PaymentAnswer;
    const NAME: &'static str = "collect_payment";

    fn needs(&self, seen: &View, _: &Context, needs: &mut Needs) {
        needs.payments.insert(self.payment_id);
        if let Some(payment) = seen.payments.peek(&self.payment_id) {
            OrderAnswer::needs_of(payment.order_id, seen, needs);
            needs.stock_of(seen.orders.peek(&payment.order_id), seen);
        }
    }

    fn decide(&self, seen: &View, cx: &Context) -> Result<Decision<PaymentAnswer>, Stop> {
        let not_found = PaymentRefusal::NotFound(self.payment_id);
        let payment = seen.payments.get(&self.payment_id)?.ok_or_else(|| not_found.clone())?;
        let now = OrderAnswer::visible(payment.order_id, seen, cx).map_err(|stop| match stop {
            Stop::Refused(_) => not_found.into(),
            gap @ Stop::Gap(_) => gap,
        })?;
        let Some(status) = next(payment.status, News::Captured) else {
            return Ok(unchanged(PaymentAnswer(payment.clone())));
        };
        if payment.awaits_provider() {
            return Err(PaymentRefusal::NotByHand(self.payment_id).into());
        }
        // No provider took it, so none is asked to give it back; on delivery the method says that already.
        let provider = if payment.method.is_cod() { payment.provider.clone() } else { EXTERNAL.into() };
        let collected = Payment {
            provider,
            status,
            captured: payment.amount,
            failure_reason: None,
            version: payment.version.saturating_add(1),
            updated_at: cx.now,
            ..(**payment).clone()
        };
        let mut draft = Draft::change(&now, seen, cx);
        captured(&mut draft, payment.version, collected)?;
        let changes = draft.finish().changes;
        let collected = changes.payments.get(&self.payment_id).map_or(payment, |write| &write.row).clone();
        Ok(Decision { changes, answer: PaymentAnswer(collected) })
    }
}
