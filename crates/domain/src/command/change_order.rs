//! Changes what its owner may still change of an order before it leaves: where it goes, what he wrote, what the caller noted.

use std::sync::Arc;

use super::draft::unchanged;
use super::{Command, Context, Decision, Draft, OrderAnswer, Stop};
use crate::event::Fact;
use crate::ids::{AddressId, OrderId};
use crate::order::{Order, Status};
use crate::refusal::OrderRefusal;
use crate::tables::{Needs, View};

/// Every field that can be changed, as the fact names it.
pub const CHANGEABLE: [&str; 6] = ["shipping_address_id", "shipping_address", "billing_address_id", "billing_address", "notes", "metadata"];

/// Changes an order. An outer `None` leaves a field as it is, an inner one clears it.
#[derive(Clone, Debug)]
pub struct ChangeOrder {
    /// Which order.
    pub order_id: OrderId,
    /// Where the goods go, by reference.
    pub shipping_address_id: Option<Option<AddressId>>,
    /// Where the goods go, as JSON text.
    pub shipping_address: Option<Option<Arc<str>>>,
    /// Where the bill goes, by reference.
    pub billing_address_id: Option<Option<AddressId>>,
    /// Where the bill goes, as JSON text.
    pub billing_address: Option<Option<Arc<str>>>,
    /// The customer's words.
    pub notes: Option<Option<Arc<str>>>,
    /// A JSON object as text, in place of the old one.
    pub metadata: Option<Arc<str>>,
    /// Whether two JSON texts say the same: stores may keep another spelling.
    pub is_same_json: fn(&str, &str) -> bool,
}

impl ChangeOrder {
    /// Writes into `order` what differs from it; gives the names of those fields.
    fn write(&self, order: &mut Order) -> Vec<&'static str> {
        let same_text = |old: &Arc<str>, new: &Arc<str>| old == new || (self.is_same_json)(old, new);
        let same_address = |old: &Option<Arc<str>>, new: &Option<Arc<str>>| match (old, new) {
            (Some(old), Some(new)) => same_text(old, new),
            (old, new) => old == new,
        };
        let differs = [
            put(&mut order.shipping_address.id, self.shipping_address_id.as_ref(), PartialEq::eq),
            put(&mut order.shipping_address.snapshot, self.shipping_address.as_ref(), same_address),
            put(&mut order.billing_address.id, self.billing_address_id.as_ref(), PartialEq::eq),
            put(&mut order.billing_address.snapshot, self.billing_address.as_ref(), same_address),
            put(&mut order.notes, self.notes.as_ref(), PartialEq::eq),
            put(&mut order.metadata, self.metadata.as_ref(), same_text),
        ];
        CHANGEABLE.into_iter().zip(differs).filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
    }
}

/// Puts `new` in the place of `old`; whether that made a difference.
fn put<T: Clone>(old: &mut T, new: Option<&T>, is_same: impl Fn(&T, &T) -> bool) -> bool {
    match new.filter(|new| !is_same(old, new)) {
        Some(new) => {
            old.clone_from(new);
            true
        }
        None => false,
    }
}

/// Whether nothing of the order has left for good, and it is still to be.
const fn is_changeable(status: Status) -> bool {
    match status {
        Status::Created | Status::PaymentPending | Status::Paid | Status::ReadyToShip => true,
        Status::Shipped | Status::Delivered | Status::Canceled | Status::RefundPending | Status::Refunded => false,
    }
}

impl Command for ChangeOrder {
    type Answer = OrderAnswer;
    const NAME: &'static str = "change_order";

    fn needs(&self, seen: &View, _: &Context, needs: &mut Needs) {
        OrderAnswer::needs_of(self.order_id, seen, needs);
    }

    fn decide(&self, seen: &View, cx: &Context) -> Result<Decision<OrderAnswer>, Stop> {
        let now = OrderAnswer::visible(self.order_id, seen, cx)?;
        let mut draft = Draft::change(&now, seen, cx);
        let fields = self.write(&mut draft.order);
        if fields.is_empty() {
            return Ok(unchanged(now));
        }
        if !is_changeable(now.order.status) {
            return Err(OrderRefusal::NotChangeable(now.order.status).into());
        }
        draft.fact(Fact::OrderChanged { fields: fields.into() });
        Ok(draft.finish())
    }
}
