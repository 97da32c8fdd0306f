//! Asks for the money of an order: writes the intent down, before anybody calls the provider.

use super::draft::{unchanged, visible};
use super::{Command, Context, Decision, Draft, OrderAnswer, Stop};
use crate::event::Fact;
use crate::ids::OrderId;
use crate::order::{Action, PaymentMethod, Status as OrderStatus};
use crate::payment::{Payment, Status};
use crate::tables::{Needs, View};

/// How long the instance that wrote the intent has the provider for itself.
///
/// After it, any instance may ask: the payment's own key makes a second call harmless.
const FIRST_CHECK_SECONDS: i64 = 5;

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
        let (order, payment) = visible(seen, cx, self.order_id)?;
        let settled = !order.status.awaits_payment() && order.status != OrderStatus::Canceled;
        let other_way = self.method.as_ref().is_some_and(|method| !method.is_cod());
        // Cash on delivery waits for nobody: the customer may still choose another way to pay.
        let under_way = payment.as_ref().is_some_and(|payment| payment.awaits_provider() || (payment.status.is_open() && !other_way));
        if settled || (under_way && order.status.awaits_payment()) {
            return Ok(unchanged(OrderAnswer::now(order.clone(), payment)));
        }
        let mut draft = Draft::change(order, payment, seen, cx);
        draft.act(Action::RequestPayment)?;
        let method = self.method.clone().or_else(|| order.payment_method.clone()).unwrap_or_else(|| DEFAULT_METHOD.into());
        draft.call_off_payment();
        draft.order.expires_at =
            if method.is_cod() { None } else { order.expires_at.or(Some(cx.now.plus_seconds(cx.settings.payment_window_seconds))) };
        draft.order.payment_method = Some(method.clone());
        let next_check_at = (!method.is_cod()).then(|| cx.now.plus_seconds(FIRST_CHECK_SECONDS));
        let payment = Payment {
            payment_id: cx.id(),
            order_id: order.order_id,
            provider: cx.settings.payment_provider.clone(),
            provider_ref: None,
            status: Status::Initiated,
            amount: order.totals.total,
            captured: 0,
            refunded: 0,
            is_surplus: false,
            currency: order.currency,
            method,
            failure_reason: None,
            silences: 0,
            next_check_at,
            version: 1,
            created_at: cx.now,
            updated_at: cx.now,
        };
        let fact = Fact::PaymentRequested { payment_id: payment.payment_id, amount: payment.amount, currency: payment.currency };
        draft.pay_by(0, payment);
        draft.fact(fact);
        Ok(draft.finish())
    }
}
