//! Asks for the money of an order: writes the intent down, before anybody calls the provider.

use super::draft::unchanged;
use super::{Command, Context, Decision, Draft, FIRST_CHECK_SECONDS, OrderAnswer, Stop};
use crate::event::Fact;
use crate::ids::{OrderId, PaymentId};
use crate::order::{Action, Order, PaymentMethod, Status as OrderStatus};
use crate::payment::{EXTERNAL, Payment, Status};
use crate::refusal::OrderRefusal;
use crate::tables::{Needs, View};

/// The method where nobody names one.
const DEFAULT_METHOD: &str = "card_stub";

/// Begins an attempt to be paid, unless one is under way or has succeeded: then that one is the answer.
#[derive(Clone, Debug)]
pub struct RequestPayment {
    /// For which order.
    pub order_id: OrderId,
    /// How; `None`: as the order says.
    pub method: Option<PaymentMethod>,
}

impl Command for RequestPayment {
    type Answer = OrderAnswer;
    const NAME: &'static str = "request_payment";

    fn needs(&self, seen: &View, _: &Context, needs: &mut Needs) {
        OrderAnswer::needs_of(self.order_id, seen, needs);
    }

    fn decide(&self, seen: &View, cx: &Context) -> Result<Decision<OrderAnswer>, Stop> {
        let now = OrderAnswer::visible(self.order_id, seen, cx)?;
        let (order, payment) = (&now.order, &now.payment);
        let settled = !order.status.awaits_payment() && order.status != OrderStatus::Canceled;
        let other_way = self.method.as_ref().is_some_and(|method| !method.is_cod());
        // Cash on delivery waits for nobody: the customer may still choose another way to pay.
        let under_way = payment.as_ref().is_some_and(|payment| payment.awaits_provider() || (payment.status.is_open() && !other_way));
        if settled || (under_way && order.status.awaits_payment()) {
            return Ok(unchanged(now));
        }
        let method = self.method.clone().or_else(|| order.payment_method.clone()).unwrap_or_else(|| DEFAULT_METHOD.into());
        let mut draft = Draft::change(&now, seen, cx);
        draft.call_off_payment();
        let asks_provider = !method.is_cod();
        begin_attempt(&mut draft, cx, cx.id(), method, asks_provider)?;
        Ok(draft.finish())
    }
}

/// A new attempt for all that is due, beside those that may be under way.
pub(super) fn begin_attempt(
    draft: &mut Draft<'_>,
    cx: &Context,
    payment_id: PaymentId,
    method: PaymentMethod,
    asks_provider: bool,
) -> Result<Payment, OrderRefusal> {
    draft.act(Action::RequestPayment)?;
    let end = draft.order.expires_at.or(Some(cx.now.plus_seconds(cx.settings.payment_window_seconds)));
    draft.order.expires_at = end.filter(|_| !method.is_cod());
    draft.order.payment_method = Some(method.clone());
    let payment = Payment {
        provider: cx.settings.payment_provider.clone(),
        method: method.clone(),
        next_check_at: asks_provider.then(|| cx.now.plus_seconds(FIRST_CHECK_SECONDS)),
        ..attempt(payment_id, &draft.order, cx)
    };
    let (amount, currency) = (payment.amount, payment.currency);
    draft.pay_by(0, payment.clone());
    let expires_at = draft.order.expires_at;
    draft.fact(Fact::PaymentRequested { payment_id, amount, currency, payment_method: method, expires_at });
    Ok(payment)
}

/// An attempt to be paid for `order` in full, of which nobody knows more than that.
pub(super) fn attempt(payment_id: PaymentId, order: &Order, cx: &Context) -> Payment {
    Payment {
        payment_id,
        order_id: order.order_id,
        provider: EXTERNAL.into(),
        provider_ref: None,
        status: Status::Initiated,
        amount: order.totals.total,
        captured: 0,
        refunded: 0,
        is_surplus: false,
        currency: order.currency,
        method: order.payment_method.clone().unwrap_or_else(|| EXTERNAL.into()),
        failure_reason: None,
        silences: 0,
        next_check_at: None,
        version: 1,
        created_at: cx.now,
        updated_at: cx.now,
    }
}
