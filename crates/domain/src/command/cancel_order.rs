//! Gives an order up before it is paid. Its stock is free at once.

use std::sync::Arc;

use super::draft::{unchanged, visible};
use super::{Command, Context, Decision, Draft, OrderAnswer, Stop};
use crate::event::Fact;
use crate::ids::OrderId;
use crate::order::{Action, Channel, Status};
use crate::payment::Payment;
use crate::refusal::PaymentRefusal;
use crate::stock::Operation;
use crate::tables::{Needs, View};

/// Cancels an order that is not paid.
///
/// Refused while a payment is under way: its outcome decides, and money must never be taken for freed stock.
#[derive(Clone, Debug)]
pub struct CancelOrder {
    /// Which order.
    pub order_id: OrderId,
    /// Why; `None`: the customer wants it.
    pub reason: Option<Arc<str>>,
}

impl Command for CancelOrder {
    type Answer = OrderAnswer;
    const NAME: &'static str = "cancel_order";

    fn needs(&self, seen: &View, _: &Context, needs: &mut Needs) {
        OrderAnswer::needs_of(self.order_id, seen, needs);
        needs.stock_of(seen.orders.peek(&self.order_id));
    }

    fn decide(&self, seen: &View, cx: &Context) -> Result<Decision<OrderAnswer>, Stop> {
        let (order, payment) = visible(seen, cx, self.order_id)?;
        if order.status == Status::Canceled && order.channel != Channel::Tickets {
            return Ok(unchanged(OrderAnswer::now(order.clone(), payment)));
        }
        let mut draft = Draft::change(order, payment.clone(), seen, cx);
        draft.act(Action::Cancel)?;
        refuse_while_open(payment.as_deref())?;
        give_up(&mut draft, cx, self.reason.clone().unwrap_or_else(|| "user_requested".into()));
        Ok(draft.finish())
    }
}

/// Refuses while the provider's answer is awaited.
pub(super) fn refuse_while_open(payment: Option<&Payment>) -> Result<(), PaymentRefusal> {
    match payment {
        Some(payment) if payment.awaits_provider() => Err(PaymentRefusal::InProgress(payment.payment_id)),
        _ => Ok(()),
    }
}

/// What every way of canceling has in common, once the lifecycle has allowed it.
pub(super) fn give_up(draft: &mut Draft<'_>, cx: &Context, reason: Arc<str>) {
    debug_assert_eq!(draft.order.status, Status::Canceled, "the lifecycle moves first");
    draft.call_off_payment();
    draft.order.cancelled_at = Some(cx.now);
    draft.order.cancellation_reason = Some(reason.clone());
    draft.order.expires_at = None;
    draft.fact(Fact::OrderCanceled { reason });
    draft.move_stock(Operation::Release, Fact::InventoryReleased);
}
