//! Where a memory store can be made to wait and to fail, and which guards can be taken out of it to see who notices.

use std::collections::BTreeSet;

use async_trait::async_trait;

/// A moment in the life of a store.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Point {
    /// A session is asked for.
    Session,
    /// Nothing is loaded yet.
    Load,
    /// One table is loaded, the next is not, and others may save in between: only with [`Bug::TornLoad`].
    Loading,
    /// Nothing is saved yet.
    Save,
    /// All is saved, but nobody knows.
    Saved,
    /// What was saved waits for the disk.
    Durable,
    /// The mark of a save is about to be looked for.
    Settle,
    /// A query.
    Query,
}

/// What goes wrong at [`Point::Save`].
///
/// At [`Point::Saved`] any of them means that the end is not seen. At [`Point::Settle`], [`Fault::Unknown`] means that the mark
/// was settled but nobody heard it. Everything else means that the store is away.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Fault {
    /// The store is away; nothing was saved.
    Unavailable,
    /// Somebody else was first; nothing was saved.
    Lost,
    /// The connection broke and nothing was saved.
    Unknown,
    /// The connection broke while the store goes on: the save lands later, see [`MemoryStore::land`](super::MemoryStore::land).
    Late,
}

/// Decides when a memory store waits and fails.
#[async_trait]
pub trait Faults: Send + Sync + 'static {
    /// Waits; a scheduler lets others go on meanwhile.
    async fn pause(&self, _at: Point) {}

    /// What goes wrong here, if anything.
    fn strike(&self, _at: Point) -> Option<Fault> {
        None
    }
}

/// A store that never fails.
#[derive(Clone, Copy, Debug)]
pub struct NoFaults;

impl Faults for NoFaults {}

/// A guard taken out of the store. A suite or a simulation that does not notice is worth nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Bug {
    /// Rows are written whatever version they have.
    NoVersionCheck,
    /// Keys are not found and not unique; nor is the key of an order.
    NoKeyCheck,
    /// Balances may become anything.
    NoStockCheck,
    /// A movement can be booked twice.
    NoLedgerCheck,
    /// Refunds are written whatever version they have.
    NoRefundCheck,
    /// The keys of events are not kept.
    EventKeysForgotten,
    /// What goes back is counted twice on its payment.
    RefundsCountTwice,
    /// What canceled orders give back is not put on the shelf.
    RestocksForgotten,
    /// Two facts can have one place in a history.
    NoSequenceCheck,
    /// Two orders can have one number.
    NoNumberCheck,
    /// An order can have two captured payments.
    NoCapturedCheck,
    /// A cart can become two orders.
    NoCartCheck,
    /// Sums and references are not checked.
    NoSumCheck,
    /// A save that is lost leaves its logs behind.
    TornSave,
    /// A load sees each table at another moment.
    TornLoad,
    /// Deltas overwrite instead of adding up.
    CountersOverwrite,
    /// Marks are not kept.
    NoMarks,
    /// Whoever asks twice whether a save happened is told that it did.
    SettlesOnce,
    /// A number is drawn twice.
    NumbersRepeat,
    /// Numbers go on over the turn of the year.
    NumbersIgnoreYear,
    /// Everybody sees everything.
    NoOwnerFilter,
    /// A page begins with the last row of the one before.
    PagesOverlap,
    /// Lists begin with the oldest.
    OldestFirst,
    /// Filters are ignored but for the first.
    FiltersIgnored,
    /// What is due is found in any order, early too.
    DueIgnoresTime,
    /// The audit finds nothing.
    BlindAudit,
}

impl Bug {
    /// Every bug.
    pub const ALL: &[Self] = &[
        Self::NoVersionCheck,
        Self::NoKeyCheck,
        Self::NoStockCheck,
        Self::NoLedgerCheck,
        Self::NoRefundCheck,
        Self::EventKeysForgotten,
        Self::RefundsCountTwice,
        Self::RestocksForgotten,
        Self::NoSequenceCheck,
        Self::NoNumberCheck,
        Self::NoCapturedCheck,
        Self::NoCartCheck,
        Self::NoSumCheck,
        Self::TornSave,
        Self::TornLoad,
        Self::CountersOverwrite,
        Self::NoMarks,
        Self::SettlesOnce,
        Self::NumbersRepeat,
        Self::NumbersIgnoreYear,
        Self::NoOwnerFilter,
        Self::PagesOverlap,
        Self::OldestFirst,
        Self::FiltersIgnored,
        Self::DueIgnoresTime,
        Self::BlindAudit,
    ];
}

/// The bugs of one store.
#[derive(Clone, Debug, Default)]
pub(super) struct Bugs(pub(super) BTreeSet<Bug>);

impl Bugs {
    pub(super) fn has(&self, bug: Bug) -> bool {
        self.0.contains(&bug)
    }
}
