//! What needs a person: opened by what the service cannot decide, closed with a note. Never silent.

use std::sync::Arc;

use crate::ids::{OrderId, TaskId};
use crate::time::Time;

/// Why a person is needed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Kind {
    /// Somebody told of money that is not what is due.
    AmountMismatch,
    /// Money could not go back.
    RefundFailed,
}

impl Kind {
    /// Every kind.
    pub const ALL: &[Self] = &[Self::AmountMismatch, Self::RefundFailed];

    /// The stored and published word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AmountMismatch => "AMOUNT_MISMATCH",
            Self::RefundFailed => "REFUND_FAILED",
        }
    }
}

/// Something that needs a person.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Task {
    /// Its name.
    pub task_id: TaskId,
    /// Why.
    pub kind: Kind,
    /// About which order.
    pub order_id: OrderId,
    /// What happened, in a sentence.
    pub detail: Arc<str>,
    /// Who sees to it.
    pub assigned_to: Option<Arc<str>>,
    /// What was done about it.
    pub note: Option<Arc<str>>,
    /// When it was done; `None`: it is open.
    pub closed_at: Option<Time>,
    /// Rises with every change.
    pub version: i64,
    /// When it was opened.
    pub created_at: Time,
    /// When it last changed.
    pub updated_at: Time,
}
