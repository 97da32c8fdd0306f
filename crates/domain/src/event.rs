//! Facts: what happened to an order. Appended with the change itself, never altered.

use std::sync::Arc;

use crate::ids::{OrderEventId, OrderId, PaymentId, RefundId, ShipmentId};
use crate::money::Currency;
use crate::order::{PaymentMethod, Status};
use crate::time::Time;

/// What happened, with what is worth telling about it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fact {
    /// The order was placed.
    OrderCreated {
        /// What is due, minor units.
        total: i64,
        /// The currency of `total`.
        currency: Currency,
        /// How many lines it has.
        lines: usize,
        /// How it is paid, where that was said.
        payment_method: Option<PaymentMethod>,
        /// Unpaid until here, it is canceled.
        expires_at: Option<Time>,
    },
    /// Stock was promised to it.
    InventoryReserved,
    /// The provider is asked for the money.
    PaymentRequested {
        /// The attempt.
        payment_id: PaymentId,
        /// Minor units.
        amount: i64,
        /// The currency of `amount`.
        currency: Currency,
        /// How it is paid.
        payment_method: PaymentMethod,
        /// Unpaid until here, the order is canceled.
        expires_at: Option<Time>,
    },
    /// The money came.
    PaymentSucceeded {
        /// The attempt.
        payment_id: PaymentId,
        /// Minor units.
        amount: i64,
        /// The currency of `amount`.
        currency: Currency,
    },
    /// The money did not come.
    PaymentFailed {
        /// The attempt.
        payment_id: PaymentId,
        /// The provider's reason.
        reason: Arc<str>,
    },
    /// Money came for an order that was no longer waiting for it.
    LatePaymentReceived {
        /// The attempt.
        payment_id: PaymentId,
        /// Minor units.
        amount: i64,
        /// The currency of `amount`.
        currency: Currency,
    },
    /// The promised stock was handed out.
    InventoryDeducted,
    /// The order was given up.
    OrderCanceled {
        /// Why.
        reason: Arc<str>,
    },
    /// The payment window passed.
    OrderExpired,
    /// The promised stock is free again.
    InventoryReleased,
    /// It is being packed.
    OrderReady,
    /// Goods were put together to leave.
    ShipmentCreated {
        /// The shipment.
        shipment_id: ShipmentId,
    },
    /// The last of it left.
    OrderShipped {
        /// With whom.
        carrier_code: Option<Arc<str>>,
        /// Under which number.
        tracking_number: Option<Arc<str>>,
    },
    /// The last of it arrived.
    OrderDelivered,
    /// Stock that had been handed out is back.
    InventoryRestocked,
    /// Money shall go back.
    RefundRequested {
        /// The refund.
        refund_id: RefundId,
        /// Of which payment.
        payment_id: PaymentId,
        /// Minor units.
        amount: i64,
        /// The currency of `amount`.
        currency: Currency,
        /// Why.
        reason: Arc<str>,
        /// No provider is asked: whoever took the money gives it back.
        by_hand: bool,
    },
    /// Money went back.
    RefundSucceeded {
        /// The refund.
        refund_id: RefundId,
        /// Of which payment.
        payment_id: PaymentId,
        /// Minor units.
        amount: i64,
        /// The currency of `amount`.
        currency: Currency,
        /// With it, all that was captured went back.
        in_full: bool,
    },
    /// Money could not go back.
    RefundFailed {
        /// The refund.
        refund_id: RefundId,
        /// The provider's reason.
        reason: Arc<str>,
    },
    /// Money that came for an order that was no longer waiting for it went back.
    LatePaymentRefunded {
        /// The refund.
        refund_id: RefundId,
        /// Of which payment.
        payment_id: PaymentId,
        /// Minor units.
        amount: i64,
        /// The currency of `amount`.
        currency: Currency,
    },
    /// What the caller may still change was changed. The values themselves are no facts: they name people.
    OrderChanged {
        /// Which fields.
        fields: Arc<[&'static str]>,
    },
}

impl Fact {
    /// The stored and published word.
    pub const fn event_type(&self) -> &'static str {
        match self {
            Self::OrderCreated { .. } => "ORDER_CREATED",
            Self::InventoryReserved => "INVENTORY_RESERVED",
            Self::PaymentRequested { .. } => "PAYMENT_REQUESTED",
            Self::PaymentSucceeded { .. } => "PAYMENT_SUCCEEDED",
            Self::PaymentFailed { .. } => "PAYMENT_FAILED",
            Self::LatePaymentReceived { .. } => "LATE_PAYMENT_RECEIVED",
            Self::InventoryDeducted => "INVENTORY_DEDUCTED",
            Self::OrderCanceled { .. } => "ORDER_CANCELED",
            Self::OrderExpired => "ORDER_EXPIRED",
            Self::InventoryReleased => "INVENTORY_RELEASED",
            Self::OrderReady => "ORDER_READY",
            Self::ShipmentCreated { .. } => "SHIPMENT_CREATED",
            Self::OrderShipped { .. } => "ORDER_SHIPPED",
            Self::OrderDelivered => "ORDER_DELIVERED",
            Self::InventoryRestocked => "INVENTORY_RESTOCKED",
            Self::RefundRequested { .. } => "REFUND_REQUESTED",
            Self::RefundSucceeded { .. } => "REFUND_SUCCEEDED",
            Self::RefundFailed { .. } => "REFUND_FAILED",
            Self::LatePaymentRefunded { .. } => "LATE_PAYMENT_REFUNDED",
            Self::OrderChanged { .. } => "ORDER_CHANGED",
        }
    }
}

/// A fact in its place in the history of an order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OrderEvent {
    /// Its name.
    pub order_event_id: OrderEventId,
    /// Whose history.
    pub order_id: OrderId,
    /// 1, 2, 3 …: the order's version after it.
    pub sequence: i64,
    /// What happened.
    pub fact: Fact,
    /// The status before; `None`: there was no order.
    pub from: Option<Status>,
    /// The status after.
    pub to: Status,
    /// What the one who changed the status had to say.
    pub notes: Option<Arc<str>>,
    /// Who did it.
    pub changed_by: Arc<str>,
    /// The request that did it.
    pub request_id: Arc<str>,
    /// When.
    pub created_at: Time,
}
