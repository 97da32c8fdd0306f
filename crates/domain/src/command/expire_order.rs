//! Cancels an order whose payment window has passed. Asked by the sweeper of any instance; only one has an effect.

use super::cancel_order::give_up;
use super::draft::{unchanged, unreadable};
use super::{Answer, Command, Context, Decision, Draft, OrderAnswer, Stop};
use crate::event::Fact;
use crate::ids::OrderId;
use crate::order::Action;
use crate::payment::Payment;
use crate::tables::{Needs, View};

/// Cancels an order if it is unpaid and its time has passed; else does nothing.
#[derive(Clone, Debug)]
pub struct ExpireOrder {
    /// Which order.
    pub order_id: OrderId,
}

/// Whether the order was canceled by this command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Expired(pub bool);

impl Answer for Expired {
    fn remember(&self) -> String {
        self.0.to_string()
    }

    fn recall(stored: &str, _: &View) -> Result<Self, Stop> {
        Ok(stored.parse().map(Self).map_err(|_| unreadable("Keys", stored))?)
    }
}

impl Command for ExpireOrder {
    type Answer = Expired;
    const NAME: &'static str = "expire_order";

    fn needs(&self, seen: &View, _: &Context, needs: &mut Needs) {
        OrderAnswer::needs_of(self.order_id, seen, needs);
        needs.stock_of(seen.orders.peek(&self.order_id), seen);
    }

    fn decide(&self, seen: &View, cx: &Context) -> Result<Decision<Expired>, Stop> {
        let Some(order) = seen.orders.get(&self.order_id)? else {
            return Ok(unchanged(Expired(false)));
        };
        let now = OrderAnswer::seen(order, seen)?;
        let due = order.expires_at.is_some_and(|end| end <= cx.now);
        let awaited = now.payment.as_deref().is_some_and(Payment::awaits_provider);
        let mut draft = Draft::change(&now, seen, cx);
        if !due || awaited || draft.act(Action::Expire).is_err() {
            return Ok(unchanged(Expired(false)));
        }
        draft.fact(Fact::OrderExpired);
        give_up(&mut draft, cx, "expired".into())?;
        Ok(Decision { changes: draft.finish().changes, answer: Expired(true) })
    }
}
