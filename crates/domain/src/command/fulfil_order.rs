//! Packs, ships and delivers a whole order.

use std::sync::Arc;

use super::draft::unchanged;
use super::{Command, Context, Decision, Draft, OrderAnswer, Stop};
use crate::event::Fact;
use crate::ids::{OrderId, ShipmentId};
use crate::order::{Action, Status};
use crate::refusal::OrderRefusal;
use crate::shipment::{self, Shipment, ShipmentLine};
use crate::stock::Operation;
use crate::tables::{Needs, View};

/// Begins to pack an order.
#[derive(Clone, Debug)]
pub struct PrepareOrder {
    /// Which order.
    pub order_id: OrderId,
    /// What the one who packs has to say, for the history.
    pub notes: Option<Arc<str>>,
}

/// Ships all that is left of an order in one shipment; packs it first if nobody has.
#[derive(Clone, Debug)]
pub struct ShipOrder {
    /// Which order.
    pub order_id: OrderId,
    /// With whom.
    pub carrier_code: Option<Arc<str>>,
    /// Under which number.
    pub tracking_number: Option<Arc<str>>,
    /// What the one who ships has to say, for the history.
    pub notes: Option<Arc<str>>,
}

/// Notes that all of an order arrived.
#[derive(Clone, Debug)]
pub struct DeliverOrder {
    /// Which order.
    pub order_id: OrderId,
    /// What the one who tells has to say, for the history.
    pub notes: Option<Arc<str>>,
}

fn needs_of(order_id: OrderId, seen: &View, needs: &mut Needs) {
    OrderAnswer::needs_of(order_id, seen, needs);
    needs.stock_of(seen.orders.peek(&order_id), seen);
}

impl Command for PrepareOrder {
    type Answer = OrderAnswer;
    const NAME: &'static str = "prepare_order";

    fn needs(&self, seen: &View, _: &Context, needs: &mut Needs) {
        needs_of(self.order_id, seen, needs);
    }

    fn decide(&self, seen: &View, cx: &Context) -> Result<Decision<OrderAnswer>, Stop> {
        let now = OrderAnswer::visible(self.order_id, seen, cx)?;
        if now.order.status == Status::ReadyToShip {
            return Ok(unchanged(now));
        }
        let mut draft = Draft::change(&now, seen, cx);
        draft.notes.clone_from(&self.notes);
        prepare(&mut draft)?;
        Ok(draft.finish())
    }
}

impl Command for ShipOrder {
    type Answer = OrderAnswer;
    const NAME: &'static str = "ship_order";

    fn needs(&self, seen: &View, _: &Context, needs: &mut Needs) {
        needs_of(self.order_id, seen, needs);
    }

    fn decide(&self, seen: &View, cx: &Context) -> Result<Decision<OrderAnswer>, Stop> {
        let now = OrderAnswer::visible(self.order_id, seen, cx)?;
        let same_number = self.tracking_number.is_none() || self.tracking_number == now.order.tracking_number;
        if now.order.status == Status::Shipped && same_number {
            return Ok(unchanged(now));
        }
        let mut draft = Draft::change(&now, seen, cx);
        draft.notes.clone_from(&self.notes);
        ship(&mut draft, cx, self.carrier_code.clone(), self.tracking_number.clone())?;
        Ok(draft.finish())
    }
}

impl Command for DeliverOrder {
    type Answer = OrderAnswer;
    const NAME: &'static str = "deliver_order";

    fn needs(&self, seen: &View, _: &Context, needs: &mut Needs) {
        needs_of(self.order_id, seen, needs);
    }

    fn decide(&self, seen: &View, cx: &Context) -> Result<Decision<OrderAnswer>, Stop> {
        let now = OrderAnswer::visible(self.order_id, seen, cx)?;
        if now.order.status == Status::Delivered {
            return Ok(unchanged(now));
        }
        let mut draft = Draft::change(&now, seen, cx);
        draft.notes.clone_from(&self.notes);
        deliver(&mut draft, cx)?;
        Ok(draft.finish())
    }
}

/// Packed goods are no longer in stock; those of a paid order have left it with the payment.
fn prepare(draft: &mut Draft<'_>) -> Result<(), Stop> {
    draft.act(Action::Prepare)?;
    draft.fact(Fact::OrderReady);
    draft.move_stock(Operation::Deduct, Fact::InventoryDeducted)?;
    Ok(())
}

/// One shipment of all that is in none yet.
pub(super) fn ship(
    draft: &mut Draft<'_>,
    cx: &Context,
    carrier_code: Option<Arc<str>>,
    tracking_number: Option<Arc<str>>,
) -> Result<(), OrderRefusal> {
    if draft.order.status != Status::ReadyToShip {
        // The refusal is about shipping, not about the packing that nobody asked for.
        let (from, action) = (draft.order.status, Action::Ship);
        prepare(draft).map_err(|_| OrderRefusal::InvalidTransition { from, action })?;
    }
    let shipment_id = draft.next_id::<ShipmentId>();
    let mut lines = Vec::new();
    for line in &mut draft.order.lines {
        let qty = line.qty.saturating_sub(line.shipped_qty);
        if qty > 0 {
            lines.push(ShipmentLine { order_item_id: line.order_item_id, qty });
            line.shipped_qty = line.qty;
        }
    }
    draft.order.shipments.push(Shipment {
        shipment_id,
        status: shipment::Status::Shipped,
        carrier_code: carrier_code.clone(),
        tracking_number: tracking_number.clone(),
        lines,
        shipped_at: Some(cx.now),
        delivered_at: None,
        created_at: cx.now,
        updated_at: cx.now,
    });
    // The parcel is there before the order is on its way: the status moves with ORDER_SHIPPED, which others are told of.
    draft.fact(Fact::ShipmentCreated { shipment_id });
    draft.act(Action::Ship)?;
    draft.order.shipped_at = Some(cx.now);
    if tracking_number.is_some() {
        draft.order.tracking_number.clone_from(&tracking_number);
    }
    draft.fact(Fact::OrderShipped { carrier_code, tracking_number });
    Ok(())
}

/// All shipments have arrived.
pub(super) fn deliver(draft: &mut Draft<'_>, cx: &Context) -> Result<(), OrderRefusal> {
    draft.act(Action::Deliver)?;
    draft.order.delivered_at = Some(cx.now);
    for shipment in &mut draft.order.shipments {
        if matches!(shipment.status, shipment::Status::Ready | shipment::Status::Shipped | shipment::Status::InTransit) {
            shipment.status = shipment::Status::Delivered;
            shipment.delivered_at = Some(cx.now);
            shipment.updated_at = cx.now;
        }
    }
    draft.fact(Fact::OrderDelivered);
    Ok(())
}
