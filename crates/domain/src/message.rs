//! Messages: what other services are told. They follow from facts, by the table here, and are saved with them.

use std::sync::Arc;

use crate::event::{Fact, OrderEvent};
use crate::ids::{MessageId, OrderId};
use crate::order::Order;
use crate::time::Time;

/// What is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MessageKind {
    /// An order was placed. The first message of every order.
    OrderCreated,
    /// An order went from one status to another.
    OrderStatusChanged,
    /// An order is paid.
    OrderConfirmed,
    /// An order was given up.
    OrderCancelled,
    /// A provider is asked for money.
    PaymentRequested,
    /// The last of an order left.
    OrderShipped,
    /// The last of an order arrived.
    OrderDelivered,
    /// Money of a payment went back.
    PaymentRefunded,
    /// All the money of an order went back.
    OrderRefunded,
    /// Whoever took the money shall give it back.
    RefundRequested,
}

impl MessageKind {
    /// The published word; the routing key, and by default the topic.
    pub const fn event_type(self) -> &'static str {
        match self {
            Self::OrderCreated => "order.created",
            Self::OrderStatusChanged => "order.status_changed",
            Self::OrderConfirmed => "order.confirmed",
            Self::OrderCancelled => "order.cancelled",
            Self::PaymentRequested => "payment.requested",
            Self::OrderShipped => "order.shipped",
            Self::OrderDelivered => "order.delivered",
            Self::PaymentRefunded => "payment.refunded",
            Self::OrderRefunded => "order.refunded",
            Self::RefundRequested => "refund.requested",
        }
    }
}

/// Which messages a fact causes, in this order.
pub const fn messages_of(fact: &Fact) -> &'static [MessageKind] {
    use MessageKind::{
        OrderCancelled, OrderConfirmed, OrderCreated, OrderDelivered, OrderRefunded, OrderShipped, OrderStatusChanged, PaymentRefunded,
        PaymentRequested, RefundRequested,
    };
    match fact {
        Fact::OrderCreated { .. } => &[OrderCreated, OrderStatusChanged],
        Fact::PaymentRequested { .. } => &[PaymentRequested, OrderStatusChanged],
        Fact::PaymentSucceeded { .. } => &[OrderConfirmed, OrderStatusChanged],
        Fact::OrderCanceled { .. } => &[OrderCancelled, OrderStatusChanged],
        Fact::OrderReady => &[OrderStatusChanged],
        Fact::OrderShipped { .. } => &[OrderShipped, OrderStatusChanged],
        Fact::OrderDelivered => &[OrderDelivered, OrderStatusChanged],
        Fact::RefundRequested { by_hand: true, .. } => &[RefundRequested],
        Fact::RefundSucceeded { in_full: true, .. } => &[PaymentRefunded, OrderRefunded],
        Fact::RefundSucceeded { in_full: false, .. } | Fact::LatePaymentRefunded { .. } => &[PaymentRefunded],
        Fact::RefundRequested { by_hand: false, .. }
        | Fact::RefundFailed { .. }
        | Fact::ShipmentCreated { .. }
        | Fact::InventoryRestocked
        | Fact::OrderChanged { .. }
        | Fact::InventoryReserved
        | Fact::InventoryDeducted
        | Fact::InventoryReleased
        | Fact::PaymentFailed { .. }
        | Fact::LatePaymentReceived { .. }
        | Fact::OrderExpired => &[],
    }
}

/// A message in the outbox.
#[derive(Clone, PartialEq, Debug)]
pub struct Message {
    /// Its name; consumers deduplicate by it.
    pub message_id: MessageId,
    /// What is told.
    pub kind: MessageKind,
    /// The fact it follows from.
    pub cause: Arc<OrderEvent>,
    /// The order after the command that caused it.
    pub order: Arc<Order>,
}

impl Message {
    /// Whose message.
    pub fn order_id(&self) -> OrderId {
        self.cause.order_id
    }

    /// Consumers sort by it.
    pub fn sequence(&self) -> i64 {
        self.cause.sequence
    }

    /// When it happened.
    pub fn created_at(&self) -> Time {
        self.cause.created_at
    }
}
