//! The seven words of this door. All but one status have a word of their own.

use domain::order::{Order, Status};

/// Where an order stands, as this door says it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Word {
    Pending,
    Confirmed,
    Processing,
    Shipped,
    Delivered,
    Cancelled,
    Refunded,
}

impl Word {
    /// Every word, as it is written.
    pub(super) const ALL: &[(&str, Self)] = &[
        ("PENDING", Self::Pending),
        ("CONFIRMED", Self::Confirmed),
        ("PROCESSING", Self::Processing),
        ("SHIPPED", Self::Shipped),
        ("DELIVERED", Self::Delivered),
        ("CANCELLED", Self::Cancelled),
        ("REFUNDED", Self::Refunded),
    ];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Confirmed => "CONFIRMED",
            Self::Processing => "PROCESSING",
            Self::Shipped => "SHIPPED",
            Self::Delivered => "DELIVERED",
            Self::Cancelled => "CANCELLED",
            Self::Refunded => "REFUNDED",
        }
    }

    /// The word of a status; none while all the money is on its way back: that is told by the word of the status before.
    pub(super) const fn of_status(status: Status) -> Option<Self> {
        match status {
            Status::Created | Status::PaymentPending => Some(Self::Pending),
            Status::Paid => Some(Self::Confirmed),
            Status::ReadyToShip => Some(Self::Processing),
            Status::Shipped => Some(Self::Shipped),
            Status::Delivered => Some(Self::Delivered),
            Status::Canceled => Some(Self::Cancelled),
            Status::RefundPending => None,
            Status::Refunded => Some(Self::Refunded),
        }
    }

    /// The word of an order.
    pub(super) fn of(order: &Order) -> Self {
        let before = || order.status_before.and_then(Self::of_status);
        // Money that goes back was paid before.
        Self::of_status(order.status).or_else(before).unwrap_or(Self::Confirmed)
    }

    /// The statuses that orders with one of the words may have.
    pub(super) fn statuses(words: &[Self]) -> Vec<Status> {
        let is_paid = |word: &Self| matches!(word, Self::Confirmed | Self::Processing | Self::Shipped | Self::Delivered);
        let may_have = |status: &&Status| match Self::of_status(**status) {
            Some(word) => words.contains(&word),
            None => words.iter().any(is_paid),
        };
        Status::ALL.iter().filter(may_have).copied().collect()
    }
}
