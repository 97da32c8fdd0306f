//! A refund: money that goes back, with a key of its own that the provider sees.

mod lifecycle;

use std::sync::Arc;

pub use lifecycle::{Action, MOVES, Status, next};

use crate::ids::{OrderId, PaymentId, RefundId};
use crate::money::Currency;
use crate::payment::ask_again_at;
use crate::time::Time;

/// Money that goes back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refund {
    /// Its name; the provider sees it as the idempotency key.
    pub refund_id: RefundId,
    /// Of which order.
    pub order_id: OrderId,
    /// Of which payment's money.
    pub payment_id: PaymentId,
    /// Where it stands.
    pub status: Status,
    /// Minor units of `currency`.
    pub amount: i64,
    /// The currency of `amount`.
    pub currency: Currency,
    /// Why.
    pub reason: Arc<str>,
    /// The provider's own name for it, once known.
    pub provider_ref: Option<Arc<str>>,
    /// Why it failed.
    pub failure_reason: Option<Arc<str>>,
    /// How often the provider stayed silent.
    pub silences: i32,
    /// When a worker asks the provider next; `None`: nobody has to, or somebody gives the money back by hand.
    pub next_check_at: Option<Time>,
    /// Rises with every change.
    pub version: i64,
    /// When it was asked for.
    pub created_at: Time,
    /// When it last changed.
    pub updated_at: Time,
}

impl Refund {
    /// When to ask again after one more silence at `now`.
    pub fn ask_again_at(&self, now: Time) -> Time {
        ask_again_at(self.silences, now)
    }
}
