//! A hold: units that are promised to nobody in particular for a while, until an order takes them or their time passes.
//!
//! The id of a hold may also be of a foreign inventory, which keeps the units itself: then all there is to know is which order it backs.

use crate::ids::{HoldId, OrderId, SkuId};
use crate::stock::StockRef;
use crate::time::Time;

/// How long a hold lives if its caller does not say.
pub const TTL_SECONDS_DEFAULT: i64 = 300;

/// Where a hold stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Status {
    /// Its units are promised.
    Active,
    /// They were sold.
    Committed,
    /// They were given back.
    Released,
    /// They were given back because its time had passed.
    Expired,
}

impl Status {
    /// Every status.
    pub const ALL: &[Self] = &[Self::Active, Self::Committed, Self::Released, Self::Expired];

    /// The stored and published word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Committed => "COMMITTED",
            Self::Released => "RELEASED",
            Self::Expired => "EXPIRED",
        }
    }
}

/// Units of one SKU.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HoldLine {
    /// Of what.
    pub sku_id: SkuId,
    /// How many, from 1.
    pub qty: i64,
}

/// Units that are promised for a while.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hold {
    /// Its name.
    pub hold_id: HoldId,
    /// Where it stands.
    pub status: Status,
    /// What it holds, one line a SKU, by SKU; empty: a foreign inventory holds it.
    pub items: Vec<HoldLine>,
    /// The order that it backs.
    pub order_id: Option<OrderId>,
    /// Until when; `None`: it ends with its order.
    pub expires_at: Option<Time>,
    /// Rises with every change.
    pub version: i64,
    /// When it was made.
    pub created_at: Time,
    /// When it last changed.
    pub updated_at: Time,
}

impl Hold {
    /// Whether a foreign inventory keeps the units.
    pub const fn is_foreign(&self) -> bool {
        self.items.is_empty()
    }

    /// Whether its time has passed although nobody has noted it.
    pub fn is_over(&self, now: Time) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }

    /// Where it stands at `now`: what has run out has ended, whether or not somebody has noted it.
    pub fn status_at(&self, now: Time) -> Status {
        match self.status {
            Status::Active if self.order_id.is_none() && self.is_over(now) => Status::Expired,
            status => status,
        }
    }

    /// What its movements of stock belong to.
    pub fn stock_ref(&self) -> StockRef {
        StockRef { kind: "hold".into(), id: self.hold_id.to_string().into() }
    }

    /// All its units.
    pub fn units(&self) -> i64 {
        self.items.iter().fold(0, |sum, line| sum.saturating_add(line.qty))
    }
}
