//! An order: what was bought, by whom, for how much, and where it stands.

mod lifecycle;
mod past;
mod why;

use std::fmt;
use std::sync::Arc;

pub use lifecycle::{Action, Circumstances, Condition, MOVES, Move, Status, To, allowed, diagram, find};
pub use past::{Past, Told};
pub use why::{WaitsFor, Why, why};

use crate::caller::Caller;
use crate::ids::{
    AddressId, CartId, HoldId, OfferId, OrderId, OrderItemId, OrderNumber, PaymentId, ProductId, RefundId, SkuId, UserId, Uuid,
};
use crate::money::Currency;
use crate::shipment::Shipment;
use crate::stock::StockState;
use crate::time::Time;

/// Through which door an order came. It decides what is allowed, at whatever door it is asked.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Channel {
    /// `/api/v1/orders`
    Canonical,
    /// `/checkout/*` and gRPC
    Checkout,
    /// `/orders`
    Tickets,
    /// `/api/orders`
    Storefront,
}

impl Channel {
    /// Every channel.
    pub const ALL: &[Self] = &[Self::Canonical, Self::Checkout, Self::Tickets, Self::Storefront];

    /// The stored and published word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Canonical => "canonical",
            Self::Checkout => "checkout",
            Self::Tickets => "tickets",
            Self::Storefront => "storefront",
        }
    }
}

/// How the customer pays, in the provider's word: `card_stub`, `cod`, `pm_card_visa`.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct PaymentMethod(pub Arc<str>);

impl PaymentMethod {
    /// Paid on delivery.
    pub fn is_cod(&self) -> bool {
        &*self.0 == "cod"
    }

    /// The provider's word.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for PaymentMethod {
    fn from(word: &str) -> Self {
        Self(word.into())
    }
}

impl fmt::Display for PaymentMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How the money of an order stands, seen from the order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PaymentStanding {
    /// Not there yet, or not known yet.
    Pending,
    /// Promised by the provider.
    Authorized,
    /// Captured in full.
    Paid,
    /// Captured in part.
    Captured,
    /// Refused.
    Failed,
    /// Some went back.
    PartiallyRefunded,
    /// All went back.
    Refunded,
}

impl PaymentStanding {
    /// Every standing.
    pub const ALL: &[Self] =
        &[Self::Pending, Self::Authorized, Self::Paid, Self::Captured, Self::Failed, Self::PartiallyRefunded, Self::Refunded];

    /// The stored and published word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Authorized => "authorized",
            Self::Paid => "paid",
            Self::Captured => "captured",
            Self::Failed => "failed",
            Self::PartiallyRefunded => "partially_refunded",
            Self::Refunded => "refunded",
        }
    }
}

/// What a line was priced from, frozen when the order was placed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PriceSnapshot {
    /// The offer that counted.
    pub offer_id: OfferId,
    /// Its price, in minor units.
    pub unit_price: i64,
    /// When it was read.
    pub captured_at: Time,
    /// For books and the like.
    pub title: Option<Arc<str>>,
    /// For books and the like.
    pub author: Option<Arc<str>>,
}

/// What a line sells.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LineSubject {
    /// Units of a SKU of this service's catalogue.
    Sku {
        /// The SKU.
        sku_id: SkuId,
        /// Its product, when the order was placed.
        product_id: ProductId,
        /// Its name, when the order was placed.
        name: Arc<str>,
        /// What it was priced from.
        snapshot: PriceSnapshot,
    },
    /// Tickets of a session, from a foreign inventory.
    Ticket {
        /// The show.
        session_id: Uuid,
        /// The kind of seat.
        ticket_type_id: Uuid,
    },
}

/// A line of an order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// Its name.
    pub order_item_id: OrderItemId,
    /// What it sells.
    pub subject: LineSubject,
    /// How many, 1 to 1,000,000.
    pub qty: i64,
    /// Minor units.
    pub unit_price: i64,
    /// `qty × unit_price`, minor units.
    pub total: i64,
    /// How many left in shipments.
    pub shipped_qty: i64,
    /// How many were refunded.
    pub refunded_qty: i64,
}

impl Line {
    /// The SKU it sells, if it sells one.
    pub fn sku_id(&self) -> Option<&SkuId> {
        match &self.subject {
            LineSubject::Sku { sku_id, .. } => Some(sku_id),
            LineSubject::Ticket { .. } => None,
        }
    }
}

/// Sums of an order, in minor units: `subtotal + tax + shipping − discount = total`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Totals {
    /// Sum of the lines.
    pub subtotal: i64,
    /// What promotions took off.
    pub discount: i64,
    /// Tax on top.
    pub tax: i64,
    /// Shipping fee.
    pub shipping: i64,
    /// What is due.
    pub total: i64,
}

/// An address, by reference or as given; kept as the caller stated it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AddressRef {
    /// An address kept elsewhere.
    pub id: Option<AddressId>,
    /// The address itself, as JSON text.
    pub snapshot: Option<Arc<str>>,
}

/// An order with its lines.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Order {
    /// Its name.
    pub order_id: OrderId,
    /// The number that people read.
    pub number: OrderNumber,
    /// Through which door it came.
    pub channel: Channel,
    /// Who ordered.
    pub user_id: Option<UserId>,
    /// Where to write to.
    pub customer_email: Option<Arc<str>>,
    /// The cart it came from.
    pub cart_id: Option<CartId>,
    /// The caller's own name for it.
    pub external_id: Option<Arc<str>>,
    /// The hold behind it.
    pub hold_id: Option<HoldId>,
    /// The key it was placed with, scoped; unique for ever.
    pub idempotency_key: Option<Arc<str>>,
    /// Where it stands.
    pub status: Status,
    /// Where it stood before all its money was to go back; nothing else has one.
    pub status_before: Option<Status>,
    /// How its money stands.
    pub payment_standing: PaymentStanding,
    /// How it is paid.
    pub payment_method: Option<PaymentMethod>,
    /// The latest attempt to be paid.
    pub payment_id: Option<PaymentId>,
    /// What happened to its stock.
    pub stock: StockState,
    /// The one currency of all its amounts.
    pub currency: Currency,
    /// Its sums.
    pub totals: Totals,
    /// Where the goods go.
    pub shipping_address: AddressRef,
    /// Where the bill goes.
    pub billing_address: AddressRef,
    /// The customer's words.
    pub notes: Option<Arc<str>>,
    /// The caller's own data, a JSON object as text.
    pub metadata: Arc<str>,
    /// The latest tracking number.
    pub tracking_number: Option<Arc<str>>,
    /// When the last of it left.
    pub shipped_at: Option<Time>,
    /// When the last of it arrived.
    pub delivered_at: Option<Time>,
    /// When it was canceled.
    pub cancelled_at: Option<Time>,
    /// Why it was canceled.
    pub cancellation_reason: Option<Arc<str>>,
    /// Unpaid until here, it is canceled; `None`: it waits no longer, or for ever.
    pub expires_at: Option<Time>,
    /// The number of its facts.
    pub version: i64,
    /// When it was placed.
    pub created_at: Time,
    /// When it last changed.
    pub updated_at: Time,
    /// What was bought; at least one line.
    pub lines: Vec<Line>,
    /// What left or is about to, the oldest first.
    pub shipments: Vec<Shipment>,
    /// Its refunds, the oldest first.
    pub refunds: Vec<RefundId>,
}

impl Order {
    /// What the lifecycle's conditions are asked about.
    pub fn circumstances(&self, caller: &Caller) -> Circumstances<'_> {
        Circumstances { channel: self.channel, payment_method: self.payment_method.as_ref(), role: caller.role }
    }

    /// What the caller may ask for next.
    pub fn allowed_actions(&self, caller: &Caller) -> impl Iterator<Item = Action> + '_ {
        allowed(self.status, self.circumstances(caller)).filter(|action| action.is_asked_for())
    }
}
