//! Which action moves a refund from which status.

use Action::{Approve, Fail, Process, Reject, Succeed};
use Status::{Approved, Failed, Processing, Refunded, Rejected, Requested};

/// Where a refund stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Status {
    /// Somebody asks for it.
    Requested,
    /// It shall be.
    Approved,
    /// Whoever has the money was asked to give it back.
    Processing,
    /// The money went back.
    Refunded,
    /// The money could not go back.
    Failed,
    /// It shall not be.
    Rejected,
}

/// What can happen to a refund.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Action {
    /// Allow it.
    Approve,
    /// Forbid it.
    Reject,
    /// Ask for the money to go back.
    Process,
    /// The money went back.
    Succeed,
    /// The money could not go back.
    Fail,
}

/// The lifecycle: from, action, to. Not listed means refused, or that the news are stale.
#[rustfmt::skip]
pub const MOVES: &[(Status, Action, Status)] = &[
    (Requested,  Approve, Approved),
    (Requested,  Reject,  Rejected),
    (Approved,   Process, Processing),
    (Processing, Succeed, Refunded),
    (Processing, Fail,    Failed),
    (Failed,     Process, Processing),
    // Told late that it went back after all: the money is what counts.
    (Failed,     Succeed, Refunded),
];

/// Where `action` leads from `from`; `None`: nowhere.
pub fn next(from: Status, action: Action) -> Option<Status> {
    MOVES.iter().find(|row| row.0 == from && row.1 == action).map(|row| row.2)
}

impl Status {
    /// Every status.
    pub const ALL: &[Self] = &[Requested, Approved, Processing, Refunded, Failed, Rejected];

    /// The stored and published word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Requested => "REQUESTED",
            Approved => "APPROVED",
            Processing => "PROCESSING",
            Refunded => "REFUNDED",
            Failed => "FAILED",
            Rejected => "REJECTED",
        }
    }

    /// Whether it has still to end.
    pub const fn is_open(self) -> bool {
        matches!(self, Requested | Approved | Processing)
    }

    /// Whether its amount counts against what was captured.
    pub const fn counts(self) -> bool {
        match self {
            Requested | Approved | Processing | Refunded => true,
            Failed | Rejected => false,
        }
    }
}

impl Action {
    /// Every action.
    pub const ALL: &[Self] = &[Approve, Reject, Process, Succeed, Fail];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_of_status_and_action_leads_exactly_where_the_design_says() {
        for &from in Status::ALL {
            for &action in Action::ALL {
                let expected = match (from, action) {
                    (Requested, Approve) => Some(Approved),
                    (Requested, Reject) => Some(Rejected),
                    (Approved | Failed, Process) => Some(Processing),
                    (Processing | Failed, Succeed) => Some(Refunded),
                    (Processing, Fail) => Some(Failed),
                    _ => None,
                };
                assert_eq!(next(from, action), expected, "{from:?} {action:?}");
            }
        }
    }

    #[test]
    fn money_that_went_back_never_comes_again() {
        assert!(Action::ALL.iter().all(|action| next(Refunded, *action).is_none()));
    }
}
