//! Moves stock by hand or for another service: reserve, release, deduct, restock, adjust.

use std::sync::Arc;

use super::draft::unreadable;
use super::{Answer, Command, Context, Decision, Stop};
use crate::ids::SkuId;
use crate::refusal::{CatalogRefusal, StockRefusal};
use crate::stock::{Balance, BalanceDelta, LedgerEntry, Operation, Reservation, ReservationKey, StockRef};
use crate::tables::{Changes, Needs, View, Write};

/// The most units that a balance may count.
const ON_HAND_MAX: i64 = 1_000_000_000_000;

/// Moves `qty` units of a SKU.
///
/// Release and deduct end what `reference` reserved, and never more than that.
#[derive(Clone, Debug)]
pub struct MoveStock {
    /// Which SKU.
    pub sku_id: SkuId,
    /// How.
    pub operation: Operation,
    /// How many, above zero; for an adjustment below zero too.
    pub qty: i64,
    /// What it belongs to.
    pub reference: StockRef,
}

/// A balance after a movement.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BalanceAnswer {
    /// Of which SKU.
    pub sku_id: SkuId,
    /// The balance.
    pub balance: Balance,
}

impl Answer for BalanceAnswer {
    fn remember(&self) -> String {
        let Balance { on_hand, reserved, version } = self.balance;
        format!("{on_hand} {reserved} {version} {}", self.sku_id)
    }

    fn recall(stored: &str, _: &View) -> Result<Self, Stop> {
        let mut parts = stored.splitn(4, ' ');
        let mut number = || parts.next().and_then(|part| part.parse().ok());
        let (on_hand, reserved, version) = (number(), number(), number());
        match (on_hand, reserved, version, parts.next()) {
            (Some(on_hand), Some(reserved), Some(version), Some(sku_id)) => {
                Ok(Self { sku_id: sku_id.into(), balance: Balance { on_hand, reserved, version } })
            }
            _ => Err(unreadable("Stock", stored).into()),
        }
    }
}

impl MoveStock {
    fn reservation_key(&self) -> ReservationKey {
        ReservationKey::new(&self.sku_id, &self.reference)
    }

    const fn touches_reservation(&self) -> bool {
        matches!(self.operation, Operation::Reserve | Operation::Release | Operation::Deduct)
    }

    fn insufficient(&self, available: i64) -> Stop {
        let (sku_id, operation) = (self.sku_id.clone(), self.operation);
        StockRefusal::Insufficient { sku_id, operation, requested: self.qty, available }.into()
    }

    /// The reservation after the movement.
    fn reservation(&self, seen: &View, cx: &Context) -> Result<Write<Arc<Reservation>>, Stop> {
        let known = seen.reservations.get(&self.reservation_key())?;
        let held = known.map_or(0, |reservation| reservation.qty);
        let qty = match self.operation {
            Operation::Reserve => held.saturating_add(self.qty),
            _ if held < self.qty => return Err(self.insufficient(held)),
            _ => held.saturating_sub(self.qty),
        };
        let expected = known.map_or(0, |reservation| reservation.version);
        let row = Reservation {
            key: self.reservation_key(),
            sku_id: self.sku_id.clone(),
            reference: self.reference.clone(),
            qty,
            version: expected.saturating_add(1),
            created_at: known.map_or(cx.now, |reservation| reservation.created_at),
            updated_at: cx.now,
        };
        Ok(Write { expected, row: Arc::new(row) })
    }
}

impl Command for MoveStock {
    type Answer = BalanceAnswer;
    const NAME: &'static str = "move_stock";

    fn needs(&self, _: &View, _: &Context, needs: &mut Needs) {
        needs.skus.insert(self.sku_id.clone());
        needs.stock.insert(self.sku_id.clone());
        if self.touches_reservation() {
            needs.reservations.insert(self.reservation_key());
        }
    }

    fn decide(&self, seen: &View, cx: &Context) -> Result<Decision<BalanceAnswer>, Stop> {
        seen.skus.get(&self.sku_id)?.ok_or_else(|| CatalogRefusal::SkuNotFound(self.sku_id.clone()))?;
        let known = seen.stock.get(&self.sku_id)?.copied();
        let before = known.unwrap_or_default();
        let mut changes = Changes::default();
        if self.touches_reservation() {
            let write = self.reservation(seen, cx)?;
            changes.reservations.insert(write.row.key.clone(), write);
        }
        let (on_hand, reserved) = self.operation.deltas(self.qty);
        let after = Balance {
            on_hand: before.on_hand.saturating_add(on_hand),
            reserved: before.reserved.saturating_add(reserved),
            version: before.version.saturating_add(1),
        };
        if after.on_hand < 0 || after.reserved < 0 || after.available() < 0 {
            return Err(self.insufficient(before.available()));
        }
        if after.on_hand > ON_HAND_MAX {
            return Err(StockRefusal::TooLarge(self.sku_id.clone()).into());
        }
        changes.stock.insert(self.sku_id.clone(), BalanceDelta { on_hand, reserved, steps: 1, is_new: known.is_none() });
        changes.ledger.push(LedgerEntry {
            key: cx.mint.id(0).to_string().into(),
            sku_id: self.sku_id.clone(),
            operation: self.operation,
            qty: self.qty,
            on_hand_delta: on_hand,
            reserved_delta: reserved,
            reference: self.reference.clone(),
            created_at: cx.now,
        });
        Ok(Decision { changes, answer: BalanceAnswer { sku_id: self.sku_id.clone(), balance: after } })
    }
}
