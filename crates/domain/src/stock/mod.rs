//! Stock: what is there, what of it is promised, and every movement of both.

mod lifecycle;

use std::sync::Arc;

pub use lifecycle::{MOVES, Operation, StockState, next};

use crate::ids::SkuId;
use crate::time::Time;

/// The balance of a SKU. Both counts are never below zero, and `reserved` never above `on_hand`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Balance {
    /// Units that are there.
    pub on_hand: i64,
    /// Units of them that are promised.
    pub reserved: i64,
    /// Rises with every change.
    pub version: i64,
}

impl Balance {
    /// What can still be promised.
    pub const fn available(&self) -> i64 {
        self.on_hand.saturating_sub(self.reserved)
    }
}

/// A change of a balance.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct BalanceDelta {
    /// Added to `on_hand`.
    pub on_hand: i64,
    /// Added to `reserved`.
    pub reserved: i64,
    /// How many movements it sums up.
    pub steps: i64,
    /// The balance did not exist before.
    pub is_new: bool,
}

/// What a movement belongs to: `("order", "0193…")`, `("delivery", "PO-77")`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct StockRef {
    /// The kind of thing.
    pub kind: Arc<str>,
    /// Its name.
    pub id: Arc<str>,
}

/// One movement, as the ledger keeps it. Never changed, never deleted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LedgerEntry {
    /// Unique: the same movement cannot be booked twice.
    pub key: Arc<str>,
    /// What moved.
    pub sku_id: SkuId,
    /// How.
    pub operation: Operation,
    /// How many units; negative only for an adjustment.
    pub qty: i64,
    /// What it did to `on_hand`.
    pub on_hand_delta: i64,
    /// What it did to `reserved`.
    pub reserved_delta: i64,
    /// What it belongs to.
    pub reference: StockRef,
    /// When.
    pub created_at: Time,
}

/// What a caller reserved by hand, and still holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reservation {
    /// What it is found by.
    pub key: ReservationKey,
    /// What is reserved.
    pub sku_id: SkuId,
    /// For what.
    pub reference: StockRef,
    /// How many units still are; 0: it has ended.
    pub qty: i64,
    /// Rises with every change.
    pub version: i64,
    /// When it began.
    pub created_at: Time,
    /// When it last changed.
    pub updated_at: Time,
}

/// What a [`Reservation`] is found by: SKU and reference in one text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ReservationKey(pub Arc<str>);

impl ReservationKey {
    /// The key of what `reference` holds of `sku_id`.
    pub fn new(sku_id: &SkuId, reference: &StockRef) -> Self {
        Self(format!("{sku_id}\u{1f}{}\u{1f}{}", reference.kind, reference.id).into())
    }
}
