//! What must have happened at least once over many seeds: a simulation that sees nothing proves nothing.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$what:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
        pub enum $name {
            $($(#[$what])* $variant,)*
        }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// For the report.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }

        impl Counted for $name {
            const COUNT: usize = Self::ALL.len();

            fn place(self) -> usize {
                Self::ALL.iter().position(|one| *one == self).expect("ALL lists every variant")
            }
        }
    };
}

/// Something that is counted by kind.
pub trait Counted: Copy {
    /// How many kinds there are.
    const COUNT: usize;
    /// Which one it is.
    fn place(self) -> usize;
}

named! {
    /// What was made to go wrong.
    Injected {
        /// The store was away.
        Away = "away",
        /// The store was away at a save.
        SaveAway = "save-away",
        /// A save was told that it lost.
        Lost = "lost",
        /// A save broke off and did not happen.
        UnknownNotSaved = "unknown-not-saved",
        /// A save broke off and happened.
        UnknownSaved = "unknown-saved",
        /// A save broke off and happens later.
        Late = "late",
        /// The store was away at a settle.
        SettleAway = "settle-away",
        /// A settle happened, its answer was lost.
        SettleCut = "settle-cut",
        /// Something was saved, and the disk did not take it as far as anybody knew.
        NotDurable = "not-durable",
        /// A query failed.
        QueryAway = "query-away",
        /// An instance crashed.
        Crash = "crash",
        /// The store was away for a while.
        Outage = "outage",
        /// A buyer left before he was answered.
        Left = "left",
        /// The provider heard nothing.
        ProviderDeaf = "provider-deaf",
        /// The provider acted and said nothing.
        ProviderMute = "provider-mute",
        /// The provider declined.
        ProviderDeclined = "provider-declined",
        /// The provider charged after all what it had declined.
        ProviderRevised = "provider-revised",
        /// The provider refused to give money back.
        ProviderKept = "provider-kept",
    }
}

named! {
    /// What must be seen.
    Mark {
        /// A save lost a real race, was decided again and saved.
        LostRace = "lost race decided again",
        /// A guest's cart became an order.
        CheckedOut = "guest checked out",
        /// Units were held, for tickets or for a session.
        Held = "units held",
        /// Tickets were placed that are held here.
        HeldTickets = "ticket order placed from a hold",
        /// A hold ran out and was given back.
        HoldExpired = "hold expired",
        /// A batch was halved.
        Halved = "batch halved",
        /// A batch saved more than one order at once.
        BigBatch = "several orders in one save",
        /// A broken-off save turned out to be saved.
        SettledSaved = "settle: it was saved",
        /// A broken-off save turned out not to be saved.
        SettledNotSaved = "settle: it was not saved",
        /// A caller was told that nobody knows.
        Unsure = "answered: nobody knows",
        /// A broken-off save landed after all.
        LateLanded = "late save landed",
        /// A broken-off save came too late and was kept out.
        LateKeptOut = "late save kept out",
        /// Two equal requests met in one batch.
        ReplayInOneBatch = "replay by key inside one batch",
        /// A request was repeated after the instance that had it crashed, and had been carried out.
        ReplayAcrossCrash = "replay across a crash",
        /// The same key at two instances at once.
        TwoInstances = "same key at two instances at once",
        /// A key was used for another request.
        KeyReused = "key reused for another body",
        /// Too little was left.
        OutOfStock = "out of stock",
        /// A price was not the expected one.
        PriceChanged = "price changed, refused",
        /// A price was not the expected one, and that was accepted.
        PriceAccepted = "price changed, accepted",
        /// A cancel had to wait for a payment.
        CancelWaited = "cancel waited for a payment",
        /// An order was canceled by its owner.
        Canceled = "order canceled",
        /// A cancel came after the money.
        CancelTooLate = "cancel refused after the money came",
        /// An order expired.
        Expired = "order expired",
        /// An order was paid.
        Paid = "order paid",
        /// A payment failed and a second one succeeded.
        SecondAttempt = "second attempt paid after a declined one",
        /// An unanswered payment was taken over.
        TakenOver = "payment taken over",
        /// A provider charged without answering, and was asked again.
        ChargedInSilence = "charged in silence, found later",
        /// Money came that no order waited for, and was recorded as surplus.
        Surplus = "surplus money recorded",
        /// An order was canceled because its payment failed.
        CanceledByFailure = "order canceled by a failed payment",
        /// A paid order was canceled and its money is on its way back.
        CanceledAfterPayment = "paid order canceled, money on its way back",
        /// The provider gave money back.
        WentBack = "money given back by the provider",
        /// The provider refused to give money back, and a person was called.
        StayedHere = "money kept by the provider, a person called",
        /// Money went back by hand.
        WentBackByHand = "money given back by hand",
        /// Money could not go back by hand, and did later.
        FailedByHand = "money given back by hand in a second try",
        /// A refund was taken over.
        RefundTakenOver = "refund taken over",
        /// Two attempts for one order side by side, both with a provider.
        SideBySide = "two attempts side by side",
        /// Both brought money: the second went back.
        SecondMoney = "second money of one order goes back",
        /// An attempt for another amount than what is due was refused.
        WrongAmount = "attempt for a wrong amount refused",
        /// An event told of money, and that was applied.
        EventApplied = "event applied: money",
        /// The same event came from two tellers, and was applied once.
        EventTwice = "same event from two tellers",
        /// An event told of money that is not what is due.
        EventMismatch = "event with a wrong amount, a person called",
        /// Another event told of the same money.
        EventKnown = "same money told by another event",
        /// An event told of a failed payment.
        EventFailed = "event applied: no money",
        /// Money told of by an event came too late.
        EventTooLate = "event with money for an order that has ended",
        /// A carrier's event shipped an order.
        ShippedByEvent = "shipped by an event",
        /// An order was delivered.
        Delivered = "order delivered",
        /// Money was collected by hand.
        Collected = "money collected by hand",
        /// A ticket order was placed.
        Tickets = "ticket order placed",
        /// One order with the same SKU on two lines.
        SameSkuTwice = "two lines with the same SKU",
        /// An order paid on delivery was placed.
        Cod = "order paid on delivery",
        /// Stock was moved by hand.
        MovedByHand = "stock moved by hand",
        /// A movement by hand was refused.
        MoveRefused = "movement by hand refused",
        /// A crash with commands in the queue.
        CrashWithQueue = "crash with commands waiting",
        /// A full queue or lost patience.
        Overloaded = "overloaded",
        /// A year ended.
        NewYear = "orders in two years",
        /// More was wanted than there was, and exactly all of it was sold.
        SoldOut = "rush sold out to the last unit",
    }
}

/// How often each kind was counted.
#[derive(Debug)]
pub struct Tally<const N: usize>([AtomicU64; N]);

impl<const N: usize> Default for Tally<N> {
    fn default() -> Self {
        Self(std::array::from_fn(|_| AtomicU64::new(0)))
    }
}

impl<const N: usize> Tally<N> {
    /// Once more.
    pub fn count<K: Counted>(&self, kind: K) {
        self.0[kind.place()].fetch_add(1, Ordering::Relaxed);
    }

    /// How often.
    pub fn of<K: Counted>(&self, kind: K) -> u64 {
        self.0[kind.place()].load(Ordering::Relaxed)
    }

    /// Adds what another one counted.
    pub fn add(&self, other: &Self) {
        for (sum, more) in self.0.iter().zip(&other.0) {
            sum.fetch_add(more.load(Ordering::Relaxed), Ordering::Relaxed);
        }
    }
}

/// How often what went wrong.
pub type Faulted = Tally<{ <Injected as Counted>::COUNT }>;
/// How often what was seen.
pub type Seen = Tally<{ <Mark as Counted>::COUNT }>;
