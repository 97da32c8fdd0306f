//! Gives an order up. Its stock is free at once; money that came goes back.

use std::sync::Arc;

use super::draft::unchanged;
use super::{Command, Context, Decision, Draft, OrderAnswer, Stop};
use crate::event::Fact;
use crate::ids::OrderId;
use crate::order::{Action, Channel, Status};
use crate::payment::Payment;
use crate::refusal::PaymentRefusal;
use crate::stock::Operation;
use crate::tables::{Gap, Needs, View};

/// Cancels an order: before it is paid, or where its channel allows that, after.
///
/// Refused while a payment is under way: its outcome decides, and money must never be taken for freed stock.
#[derive(Clone, Debug)]
pub struct CancelOrder {
    /// Which order.
    pub order_id: OrderId,
    /// Why; `None`: the customer wants it.
    pub reason: Option<Arc<str>>,
    /// What the one who cancels has to say, for the history.
    pub notes: Option<Arc<str>>,
}

/// All that came and has not gone back yet.
fn give_money_back(draft: &mut Draft<'_>, reason: Arc<str>) {
    if let Some(payment) = draft.payment.clone() {
        let left = payment.captured.saturating_sub(payment.refunded);
        if payment.came() && left > 0 {
            draft.give_back(&payment, left, reason);
        }
    }
}

impl Command for CancelOrder {
    type Answer = OrderAnswer;
    const NAME: &'static str = "cancel_order";

    fn needs(&self, seen: &View, _: &Context, needs: &mut Needs) {
        OrderAnswer::needs_of(self.order_id, seen, needs);
        needs.stock_of(seen.orders.peek(&self.order_id), seen);
    }

    fn decide(&self, seen: &View, cx: &Context) -> Result<Decision<OrderAnswer>, Stop> {
        let now = OrderAnswer::visible(self.order_id, seen, cx)?;
        if now.order.status == Status::Canceled && now.order.channel != Channel::Tickets {
            return Ok(unchanged(now));
        }
        let reason = self.reason.clone().unwrap_or_else(|| "user_requested".into());
        let mut draft = Draft::change(&now, seen, cx);
        draft.notes.clone_from(&self.notes);
        if draft.act(Action::CancelPaid).is_ok() {
            give_up(&mut draft, cx, reason.clone())?;
            give_money_back(&mut draft, reason);
        } else {
            draft.act(Action::Cancel)?;
            refuse_while_open(now.payment.as_deref())?;
            give_up(&mut draft, cx, reason)?;
        }
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

/// What every way of canceling has in common, once the lifecycle has allowed it. Stock is released, or comes back if it was handed out.
pub(super) fn give_up(draft: &mut Draft<'_>, cx: &Context, reason: Arc<str>) -> Result<(), Gap> {
    debug_assert_eq!(draft.order.status, Status::Canceled, "the lifecycle moves first");
    draft.call_off_payment();
    draft.order.cancelled_at = Some(cx.now);
    draft.order.cancellation_reason = Some(reason.clone());
    draft.order.expires_at = None;
    draft.fact(Fact::OrderCanceled { reason });
    draft.move_stock(Operation::Release, Fact::InventoryReleased)?;
    draft.move_stock(Operation::Restock, Fact::InventoryRestocked)
}
