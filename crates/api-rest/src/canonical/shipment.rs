//! Shipments as this door shows them.

use domain::order::Order;
use domain::shipment::{Shipment, ShipmentLine};
use serde::Serialize;
use uuid::Uuid;

use crate::output::time::UtcTime;

#[derive(Serialize)]
pub(super) struct ShipmentShape<'a> {
    shipment_id: Uuid,
    order_id: Uuid,
    status: &'static str,
    carrier_code: Option<&'a str>,
    tracking_number: Option<&'a str>,
    items: Vec<ItemShape>,
    shipped_at: Option<UtcTime>,
    delivered_at: Option<UtcTime>,
    created_at: UtcTime,
}

#[derive(Serialize)]
struct ItemShape {
    order_item_id: Uuid,
    qty: i64,
}

impl<'a> ShipmentShape<'a> {
    pub(super) fn of(shipment: &'a Shipment, order: &Order) -> Self {
        let item = |line: &ShipmentLine| ItemShape { order_item_id: line.order_item_id.0, qty: line.qty };
        Self {
            shipment_id: shipment.shipment_id.0,
            order_id: order.order_id.0,
            status: shipment.status.as_str(),
            carrier_code: shipment.carrier_code.as_deref(),
            tracking_number: shipment.tracking_number.as_deref(),
            items: shipment.lines.iter().map(item).collect(),
            shipped_at: shipment.shipped_at.map(UtcTime),
            delivered_at: shipment.delivered_at.map(UtcTime),
            created_at: UtcTime(shipment.created_at),
        }
    }
}
