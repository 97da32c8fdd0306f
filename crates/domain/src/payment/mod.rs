//! A payment: one attempt to be paid for an order, with a key of its own that the provider sees.

mod lifecycle;

use std::sync::Arc;

pub use lifecycle::{MOVES, Move, News, Status, next};

use crate::ids::{OrderId, PaymentId};
use crate::money::Currency;
use crate::order::{PaymentMethod, PaymentStanding};
use crate::time::Time;

/// When an unanswered payment is asked about again, in seconds after each silence; the last one repeats.
///
/// Short first, since most silences are hiccups; then sparse, since a provider that is down stays down for a while.
pub const ASK_AGAIN_SECONDS: &[i64] = &[5, 30, 120, 600, 3600];

/// The provider of money that another service took and told us of.
pub const EXTERNAL: &str = "external";

/// One attempt to be paid.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Payment {
    /// Its name; the provider sees it as the idempotency key.
    pub payment_id: PaymentId,
    /// What it pays for.
    pub order_id: OrderId,
    /// Who is asked: `stub`, `stripe`.
    pub provider: Arc<str>,
    /// The provider's own name for it, once known.
    pub provider_ref: Option<Arc<str>>,
    /// Where it stands.
    pub status: Status,
    /// Minor units of `currency`.
    pub amount: i64,
    /// What was captured, minor units.
    pub captured: i64,
    /// What went back, minor units.
    pub refunded: i64,
    /// Its money came when the order was no longer waiting for it: it covers nothing and has to go back.
    pub is_surplus: bool,
    /// The currency of its amounts.
    pub currency: Currency,
    /// How the customer pays.
    pub method: PaymentMethod,
    /// Why it failed.
    pub failure_reason: Option<Arc<str>>,
    /// How often the provider stayed silent.
    pub silences: i32,
    /// When a worker asks the provider next; `None`: nothing is open.
    pub next_check_at: Option<Time>,
    /// Rises with every change.
    pub version: i64,
    /// When it was asked for.
    pub created_at: Time,
    /// When it last changed.
    pub updated_at: Time,
}

impl Payment {
    /// The payment of an order for nothing: nobody is asked, all of it is there.
    pub fn of_nothing(payment_id: PaymentId, order_id: OrderId, currency: Currency, now: Time) -> Self {
        Self {
            payment_id,
            order_id,
            provider: "none".into(),
            provider_ref: None,
            status: Status::Captured,
            amount: 0,
            captured: 0,
            refunded: 0,
            is_surplus: false,
            currency,
            method: "none".into(),
            failure_reason: None,
            silences: 0,
            next_check_at: None,
            version: 1,
            created_at: now,
            updated_at: now,
        }
    }

    /// How the money stands, seen from the order.
    pub fn standing(&self) -> PaymentStanding {
        match self.status {
            Status::Initiated | Status::Unknown => PaymentStanding::Pending,
            Status::Authorized => PaymentStanding::Authorized,
            Status::Captured if self.captured < self.amount => PaymentStanding::Captured,
            Status::Captured => PaymentStanding::Paid,
            Status::PartiallyRefunded => PaymentStanding::PartiallyRefunded,
            Status::Refunded => PaymentStanding::Refunded,
            Status::Failed | Status::Canceled => PaymentStanding::Failed,
        }
    }

    /// Whether a provider has still to say how it ends. Money paid on delivery waits for nobody's answer, nor does an attempt
    /// that somebody completes by hand.
    pub const fn awaits_provider(&self) -> bool {
        self.status.is_open() && self.next_check_at.is_some()
    }

    /// Whether its money is ours, or was before it went back.
    pub const fn came(&self) -> bool {
        matches!(self.status, Status::Captured | Status::PartiallyRefunded | Status::Refunded)
    }

    /// Whether no provider is asked to give its money back: somebody else took it.
    pub fn is_by_hand(&self) -> bool {
        &*self.provider == EXTERNAL || self.method.is_cod()
    }

    /// When to ask again after one more silence at `now`.
    pub fn ask_again_at(&self, now: Time) -> Time {
        ask_again_at(self.silences, now)
    }
}

/// When to ask a provider again that stayed silent `silences` times before this time.
pub fn ask_again_at(silences: i32, now: Time) -> Time {
    let step = usize::try_from(silences).unwrap_or(0).min(ASK_AGAIN_SECONDS.len().saturating_sub(1));
    now.plus_seconds(ASK_AGAIN_SECONDS.get(step).copied().unwrap_or(3600))
}
