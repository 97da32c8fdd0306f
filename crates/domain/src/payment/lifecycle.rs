//! Which news moves a payment from which status. Late, repeated and reordered news have a defined outcome here.

use News::{
    Authorized as SaysAuthorized, Canceled as SaysCanceled, Captured as SaysCaptured, Failed as SaysFailed, Nothing, RefundedInFull,
    RefundedInPart,
};
use Status::{Authorized, Canceled, Captured, Failed, Initiated, PartiallyRefunded, Refunded, Unknown};

/// Where a payment stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Status {
    /// Written down; the provider is about to be asked.
    Initiated,
    /// Promised by the provider.
    Authorized,
    /// The money is ours.
    Captured,
    /// Some of it went back.
    PartiallyRefunded,
    /// All of it went back.
    Refunded,
    /// Refused.
    Failed,
    /// Called off.
    Canceled,
    /// Asked for, but no answer came: a time-out is never a failure.
    Unknown,
}

/// What the provider, or its silence, tells.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum News {
    /// It promised the money.
    Authorized,
    /// It took the money.
    Captured,
    /// It refused.
    Failed,
    /// It called the payment off.
    Canceled,
    /// No answer.
    Nothing,
    /// Some of the money went back.
    RefundedInPart,
    /// All of the money went back.
    RefundedInFull,
}

/// One row of the lifecycle.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Move {
    /// The status before.
    pub from: Status,
    /// The news.
    pub news: News,
    /// The status after.
    pub to: Status,
}

/// The lifecycle. Not listed means that the news change nothing: they are stale or repeated.
#[rustfmt::skip]
pub const MOVES: &[Move] = &[
    Move { from: Initiated,         news: SaysAuthorized, to: Authorized },
    Move { from: Initiated,         news: SaysCaptured,   to: Captured },
    Move { from: Initiated,         news: SaysFailed,     to: Failed },
    Move { from: Initiated,         news: SaysCanceled,   to: Canceled },
    Move { from: Initiated,         news: Nothing,        to: Unknown },
    Move { from: Unknown,           news: SaysAuthorized, to: Authorized },
    Move { from: Unknown,           news: SaysCaptured,   to: Captured },
    Move { from: Unknown,           news: SaysFailed,     to: Failed },
    Move { from: Unknown,           news: SaysCanceled,   to: Canceled },
    Move { from: Unknown,           news: Nothing,        to: Unknown },
    Move { from: Authorized,        news: SaysCaptured,   to: Captured },
    Move { from: Authorized,        news: SaysFailed,     to: Failed },
    Move { from: Authorized,        news: SaysCanceled,   to: Canceled },
    Move { from: Authorized,        news: Nothing,        to: Unknown },
    // Money that comes after all is never lost: it is recorded, whatever we had believed.
    Move { from: Failed,            news: SaysCaptured,   to: Captured },
    Move { from: Canceled,          news: SaysCaptured,   to: Captured },
    Move { from: Captured,          news: RefundedInPart, to: PartiallyRefunded },
    Move { from: Captured,          news: RefundedInFull, to: Refunded },
    Move { from: PartiallyRefunded, news: RefundedInPart, to: PartiallyRefunded },
    Move { from: PartiallyRefunded, news: RefundedInFull, to: Refunded },
];

/// Where `news` lead from `from`; `None`: nowhere.
pub fn next(from: Status, news: News) -> Option<Status> {
    MOVES.iter().find(|row| row.from == from && row.news == news).map(|row| row.to)
}

impl Status {
    /// Every status.
    pub const ALL: &[Self] = &[Initiated, Authorized, Captured, PartiallyRefunded, Refunded, Failed, Canceled, Unknown];

    /// The canonical word, stored and published.
    pub const fn as_str(self) -> &'static str {
        match self {
            Initiated => "INITIATED",
            Authorized => "AUTHORIZED",
            Captured => "CAPTURED",
            PartiallyRefunded => "PARTIALLY_REFUNDED",
            Refunded => "REFUNDED",
            Failed => "FAILED",
            Canceled => "CANCELED",
            Unknown => "UNKNOWN",
        }
    }

    /// Whether the provider's last word on this attempt is still to come.
    pub const fn is_open(self) -> bool {
        matches!(self, Initiated | Authorized | Unknown)
    }
}

impl News {
    /// All kinds of news.
    pub const ALL: &[Self] = &[SaysAuthorized, SaysCaptured, SaysFailed, SaysCanceled, Nothing, RefundedInPart, RefundedInFull];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_of_status_and_news_leads_exactly_where_the_design_says() {
        for &from in Status::ALL {
            for &news in News::ALL {
                let expected = match (from, news) {
                    (Initiated | Unknown, SaysAuthorized) => Some(Authorized),
                    (Initiated | Unknown | Authorized | Failed | Canceled, SaysCaptured) => Some(Captured),
                    (Initiated | Unknown | Authorized, SaysFailed) => Some(Failed),
                    (Initiated | Unknown | Authorized, SaysCanceled) => Some(Canceled),
                    (Initiated | Unknown | Authorized, Nothing) => Some(Unknown),
                    (Captured | PartiallyRefunded, RefundedInPart) => Some(PartiallyRefunded),
                    (Captured | PartiallyRefunded, RefundedInFull) => Some(Refunded),
                    _ => None,
                };
                assert_eq!(next(from, news), expected, "{from:?} {news:?}");
            }
        }
    }

    #[test]
    fn captured_money_never_moves_back() {
        for from in [Captured, PartiallyRefunded, Refunded] {
            for news in [SaysAuthorized, SaysCaptured, SaysFailed, SaysCanceled, Nothing] {
                assert_eq!(next(from, news), None, "{from:?} {news:?}");
            }
        }
    }
}
