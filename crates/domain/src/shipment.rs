//! A shipment: goods of one order that leave together. It changes under its order's version.

use std::sync::Arc;

use Status::{Delivered, InTransit, Lost, Ready, Returned, Shipped};

use crate::ids::{OrderItemId, ShipmentId};
use crate::time::Time;

/// Where a shipment stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Status {
    /// Packed.
    Ready,
    /// With the carrier.
    Shipped,
    /// Moving.
    InTransit,
    /// There.
    Delivered,
    /// On its way back, or back.
    Returned,
    /// Nobody knows where.
    Lost,
}

impl Status {
    /// Every status.
    pub const ALL: &[Self] = &[Ready, Shipped, InTransit, Delivered, Returned, Lost];

    /// The stored and published word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Ready => "READY",
            Shipped => "SHIPPED",
            InTransit => "IN_TRANSIT",
            Delivered => "DELIVERED",
            Returned => "RETURNED",
            Lost => "LOST",
        }
    }
}

/// How much of a line is in a shipment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ShipmentLine {
    /// The line.
    pub order_item_id: OrderItemId,
    /// How many.
    pub qty: i64,
}

/// Goods that leave together.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shipment {
    /// Its name.
    pub shipment_id: ShipmentId,
    /// Where it stands.
    pub status: Status,
    /// With whom.
    pub carrier_code: Option<Arc<str>>,
    /// Under which number; unique for its carrier.
    pub tracking_number: Option<Arc<str>>,
    /// What is in it.
    pub lines: Vec<ShipmentLine>,
    /// When it left.
    pub shipped_at: Option<Time>,
    /// When it arrived.
    pub delivered_at: Option<Time>,
    /// When it was put together.
    pub created_at: Time,
    /// When it last changed.
    pub updated_at: Time,
}
