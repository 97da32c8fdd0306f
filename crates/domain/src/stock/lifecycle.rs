//! What a movement does to a balance, and which movement may follow which for the stock behind an order.

use Operation::{Adjust, Deduct, Release, Reserve, Restock};
use StockState::{Deducted, Foreign, Released, Reserved, Restocked};

/// A movement of stock.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Operation {
    /// Promise units.
    Reserve,
    /// Take a promise back.
    Release,
    /// Hand promised units out.
    Deduct,
    /// Put units in.
    Restock,
    /// Correct the count, up or down.
    Adjust,
}

/// What happened to the stock behind an order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum StockState {
    /// It is not ours to keep.
    Foreign,
    /// Promised to the order.
    Reserved,
    /// Handed out.
    Deducted,
    /// The promise was taken back.
    Released,
    /// It came back.
    Restocked,
}

/// The lifecycle of the stock behind an order: from, movement, to. Not listed means refused.
#[rustfmt::skip]
pub const MOVES: &[(StockState, Operation, StockState)] = &[
    (Reserved, Deduct,  Deducted),
    (Reserved, Release, Released),
    (Deducted, Restock, Restocked),
];

/// Where `operation` leads from `from`; `None`: it is not allowed.
pub fn next(from: StockState, operation: Operation) -> Option<StockState> {
    MOVES.iter().find(|row| row.0 == from && row.1 == operation).map(|row| row.2)
}

impl Operation {
    /// Every movement.
    pub const ALL: &[Self] = &[Reserve, Release, Deduct, Restock, Adjust];

    /// The stored and published word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Reserve => "RESERVE",
            Release => "RELEASE",
            Deduct => "DEDUCT",
            Restock => "RESTOCK",
            Adjust => "ADJUST",
        }
    }

    /// What `qty` units do: (`on_hand`, `reserved`).
    pub const fn deltas(self, qty: i64) -> (i64, i64) {
        match self {
            Reserve => (0, qty),
            Release => (0, qty.saturating_neg()),
            Deduct => (qty.saturating_neg(), qty.saturating_neg()),
            Restock | Adjust => (qty, 0),
        }
    }
}

impl StockState {
    /// Every state.
    pub const ALL: &[Self] = &[Foreign, Reserved, Deducted, Released, Restocked];

    /// The stored word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Foreign => "foreign",
            Reserved => "reserved",
            Deducted => "deducted",
            Released => "released",
            Restocked => "restocked",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reservation_of_an_order_ends_once() {
        for &from in StockState::ALL {
            for &operation in Operation::ALL {
                let expected = match (from, operation) {
                    (Reserved, Deduct) => Some(Deducted),
                    (Reserved, Release) => Some(Released),
                    (Deducted, Restock) => Some(Restocked),
                    _ => None,
                };
                assert_eq!(next(from, operation), expected, "{from:?} {operation:?}");
            }
        }
    }
}
