//! Which action moves an order from which status. The only place that knows; everything else asks.

use super::{Channel, PaymentMethod};
use crate::caller::Role;
use Action::{
    Cancel, CancelPaid, Deliver, Expire, FailPayment, Pay, Prepare, RefundFailed, RefundSucceeded, RequestPayment, RequestRefund, Ship,
};
use Condition::{Always, ByAdmin, IfCod, IfUnpaidExpires, Storefront};
use Status::{Canceled, Created, Delivered, Paid, PaymentPending, ReadyToShip, RefundPending, Refunded, Shipped};
use To::{Back, Go};

/// Where an order stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Status {
    /// Placed, stock reserved, no payment asked for.
    Created,
    /// A payment was asked for.
    PaymentPending,
    /// The money is there.
    Paid,
    /// Being packed.
    ReadyToShip,
    /// All of it left.
    Shipped,
    /// All of it arrived.
    Delivered,
    /// Ended without effect.
    Canceled,
    /// All the money is on its way back.
    RefundPending,
    /// All the money went back.
    Refunded,
}

/// What can happen to an order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Action {
    /// Ask the customer's provider for the money.
    RequestPayment,
    /// The money came.
    Pay,
    /// The money did not come.
    FailPayment,
    /// Pack it.
    Prepare,
    /// The last of it left.
    Ship,
    /// The last of it arrived.
    Deliver,
    /// Give it up before payment.
    Cancel,
    /// Give it up after payment; the money goes back.
    CancelPaid,
    /// The payment window has passed.
    Expire,
    /// All the money shall go back.
    RequestRefund,
    /// All the money went back.
    RefundSucceeded,
    /// The money could not go back.
    RefundFailed,
}

/// Where a move leads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum To {
    /// To this status.
    Go(Status),
    /// To the status before the present one.
    Back,
}

/// What else must hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Condition {
    /// Nothing.
    Always,
    /// The order is paid on delivery.
    IfCod,
    /// The order is not paid on delivery: those never expire.
    IfUnpaidExpires,
    /// The order came through the storefront.
    Storefront,
    /// The order came through the storefront, and an administrator asks.
    ByAdmin,
}

/// One row of the lifecycle.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Move {
    /// The status before.
    pub from: Status,
    /// What happens.
    pub action: Action,
    /// The status after.
    pub to: To,
    /// What else must hold.
    pub when: Condition,
}

/// The lifecycle. Not listed means refused.
#[rustfmt::skip]
pub const MOVES: &[Move] = &[
    Move { from: Created,        action: RequestPayment,  to: Go(PaymentPending), when: Always },
    Move { from: Created,        action: Pay,             to: Go(Paid),           when: Always },
    Move { from: Created,        action: FailPayment,     to: Go(Created),        when: Always },
    Move { from: Created,        action: Cancel,          to: Go(Canceled),       when: Always },
    Move { from: Created,        action: Expire,          to: Go(Canceled),       when: IfUnpaidExpires },
    Move { from: PaymentPending, action: RequestPayment,  to: Go(PaymentPending), when: Always },
    Move { from: PaymentPending, action: Pay,             to: Go(Paid),           when: Always },
    Move { from: PaymentPending, action: FailPayment,     to: Go(PaymentPending), when: Always },
    Move { from: PaymentPending, action: Prepare,         to: Go(ReadyToShip),    when: IfCod },
    Move { from: PaymentPending, action: Cancel,          to: Go(Canceled),       when: Always },
    Move { from: PaymentPending, action: Expire,          to: Go(Canceled),       when: IfUnpaidExpires },
    Move { from: Paid,           action: Prepare,         to: Go(ReadyToShip),    when: Always },
    Move { from: Paid,           action: CancelPaid,      to: Go(Canceled),       when: Storefront },
    Move { from: Paid,           action: RequestRefund,   to: Go(RefundPending),  when: Always },
    // Cash on delivery is collected at any time after the goods were packed; the order goes on where it stands.
    Move { from: ReadyToShip,    action: Pay,             to: Go(ReadyToShip),    when: IfCod },
    Move { from: ReadyToShip,    action: Ship,            to: Go(Shipped),        when: Always },
    Move { from: ReadyToShip,    action: CancelPaid,      to: Go(Canceled),       when: ByAdmin },
    Move { from: ReadyToShip,    action: RequestRefund,   to: Go(RefundPending),  when: Always },
    Move { from: Shipped,        action: Pay,             to: Go(Shipped),        when: IfCod },
    Move { from: Shipped,        action: Deliver,         to: Go(Delivered),      when: Always },
    Move { from: Shipped,        action: RequestRefund,   to: Go(RefundPending),  when: Always },
    Move { from: Delivered,      action: Pay,             to: Go(Delivered),      when: IfCod },
    Move { from: Delivered,      action: RequestRefund,   to: Go(RefundPending),  when: Always },
    Move { from: RefundPending,  action: RefundSucceeded, to: Go(Refunded),       when: Always },
    Move { from: RefundPending,  action: RefundFailed,    to: Back,               when: Always },
    Move { from: Canceled,       action: RefundSucceeded, to: Go(Canceled),       when: Always },
    Move { from: Canceled,       action: RefundFailed,    to: Go(Canceled),       when: Always },
];

/// What a [`Condition`] is asked about.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'a> {
    /// Through which door the order came.
    pub channel: Channel,
    /// How it is paid.
    pub payment_method: Option<&'a PaymentMethod>,
    /// As what the caller asks.
    pub role: Role,
}

impl Condition {
    /// Whether it holds.
    pub fn holds(self, now: Circumstances<'_>) -> bool {
        let cod = now.payment_method.is_some_and(PaymentMethod::is_cod);
        match self {
            Always => true,
            IfCod => cod,
            IfUnpaidExpires => !cod,
            Storefront => now.channel == Channel::Storefront,
            ByAdmin => now.channel == Channel::Storefront && now.role == Role::Admin,
        }
    }
}

/// The row that allows `action` at `from`, if any.
pub fn find(from: Status, action: Action, now: Circumstances<'_>) -> Option<To> {
    MOVES.iter().find(|row| row.from == from && row.action == action && row.when.holds(now)).map(|row| row.to)
}

/// What may be done with an order at `from`, in the order of the table.
pub fn allowed(from: Status, now: Circumstances<'_>) -> impl Iterator<Item = Action> + '_ {
    MOVES.iter().filter(move |row| row.from == from && row.when.holds(now)).map(|row| row.action)
}

impl Status {
    /// Every status.
    pub const ALL: &[Self] = &[Created, PaymentPending, Paid, ReadyToShip, Shipped, Delivered, Canceled, RefundPending, Refunded];

    /// The canonical word, stored and published.
    pub const fn as_str(self) -> &'static str {
        match self {
            Created => "CREATED",
            PaymentPending => "PAYMENT_PENDING",
            Paid => "PAID",
            ReadyToShip => "READY_TO_SHIP",
            Shipped => "SHIPPED",
            Delivered => "DELIVERED",
            Canceled => "CANCELED",
            RefundPending => "REFUND_PENDING",
            Refunded => "REFUNDED",
        }
    }

    /// The status with this canonical word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|status| status.as_str() == word)
    }

    /// Whether the order still waits for its money.
    pub const fn awaits_payment(self) -> bool {
        matches!(self, Created | PaymentPending)
    }
}

impl Action {
    /// Every action.
    pub const ALL: &[Self] = &[
        RequestPayment,
        Pay,
        FailPayment,
        Prepare,
        Ship,
        Deliver,
        Cancel,
        CancelPaid,
        Expire,
        RequestRefund,
        RefundSucceeded,
        RefundFailed,
    ];

    /// Whether somebody asks for it; the others are told by providers, clocks and carriers.
    pub const fn is_asked_for(self) -> bool {
        match self {
            RequestPayment | Prepare | Ship | Deliver | Cancel | CancelPaid | RequestRefund => true,
            Pay | FailPayment | Expire | RefundSucceeded | RefundFailed => false,
        }
    }

    /// The published word.
    pub const fn as_str(self) -> &'static str {
        match self {
            RequestPayment => "request_payment",
            Pay => "payment_succeeded",
            FailPayment => "payment_failed",
            Prepare => "prepare",
            Ship => "ship",
            Deliver => "deliver",
            Cancel => "cancel",
            CancelPaid => "cancel_paid",
            Expire => "expire",
            RequestRefund => "request_refund",
            RefundSucceeded => "refund_succeeded",
            RefundFailed => "refund_failed",
        }
    }
}

/// The lifecycle as a Mermaid state diagram, for the docs.
pub fn diagram() -> String {
    let mut text = String::from("stateDiagram-v2\n    [*] --> CREATED: place\n");
    for row in MOVES {
        let condition = match row.when {
            Always | IfUnpaidExpires => "",
            IfCod => " (paid on delivery)",
            Storefront => " (storefront)",
            ByAdmin => " (storefront, by an admin)",
        };
        let to = match row.to {
            Go(to) => to.as_str(),
            Back => "PAID",
        };
        let note = if row.to == Back { ", to the status before" } else { "" };
        let (from, action) = (row.from.as_str(), row.action.as_str());
        text.extend(["    ", from, " --> ", to, ": ", action, condition, note, "\n"]);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of the design, written a second time and in another form: (status, actions that are allowed there).
    /// `+` = only when paid on delivery, `-` = only when not, `s` = storefront, `a` = storefront by an admin.
    const ALLOWED: &[(Status, &[(&str, char)])] = &[
        (Created, &[("request_payment", ' '), ("payment_succeeded", ' '), ("payment_failed", ' '), ("cancel", ' '), ("expire", '-')]),
        (
            PaymentPending,
            &[
                ("request_payment", ' '),
                ("payment_succeeded", ' '),
                ("payment_failed", ' '),
                ("cancel", ' '),
                ("expire", '-'),
                ("prepare", '+'),
            ],
        ),
        (Paid, &[("prepare", ' '), ("cancel_paid", 's'), ("request_refund", ' ')]),
        (ReadyToShip, &[("payment_succeeded", '+'), ("ship", ' '), ("cancel_paid", 'a'), ("request_refund", ' ')]),
        (Shipped, &[("payment_succeeded", '+'), ("deliver", ' '), ("request_refund", ' ')]),
        (Delivered, &[("payment_succeeded", '+'), ("request_refund", ' ')]),
        (Canceled, &[("refund_succeeded", ' '), ("refund_failed", ' ')]),
        (RefundPending, &[("refund_succeeded", ' '), ("refund_failed", ' ')]),
        (Refunded, &[]),
    ];

    #[test]
    fn every_pair_of_status_and_action_is_allowed_exactly_where_the_design_says() {
        let cod = PaymentMethod::from("cod");
        let card = PaymentMethod::from("card_stub");
        let mut illegal = 0;
        for &from in Status::ALL {
            let allowed_here = ALLOWED.iter().find(|(status, _)| *status == from).unwrap().1;
            for &action in Action::ALL {
                for channel in Channel::ALL.iter().copied() {
                    for method in [None, Some(&cod), Some(&card)] {
                        for role in [Role::Customer, Role::Support, Role::Service, Role::Admin] {
                            let is_cod = method == Some(&cod);
                            let expected = allowed_here.iter().any(|(word, condition)| {
                                *word == action.as_str()
                                    && match condition {
                                        '+' => is_cod,
                                        '-' => !is_cod,
                                        's' => channel == Channel::Storefront,
                                        'a' => channel == Channel::Storefront && role == Role::Admin,
                                        _ => true,
                                    }
                            });
                            let now = Circumstances { channel, payment_method: method, role };
                            assert_eq!(find(from, action, now).is_some(), expected, "{from:?} {action:?} {now:?}");
                            illegal += u32::from(!expected);
                        }
                    }
                }
            }
        }
        assert!(illegal > 4000, "the test tried too few illegal pairs: {illegal}");
    }

    #[test]
    fn no_two_rows_answer_the_same_question() {
        for (index, row) in MOVES.iter().enumerate() {
            assert!(MOVES.iter().skip(index + 1).all(|other| (row.from, row.action) != (other.from, other.action)), "{row:?}");
        }
    }

    #[test]
    fn every_status_can_be_reached_from_created() {
        let mut reached = vec![Created];
        let mut next = 0;
        while let Some(&from) = reached.get(next) {
            for row in MOVES.iter().filter(|row| row.from == from) {
                if let Go(to) = row.to
                    && !reached.contains(&to)
                {
                    reached.push(to);
                }
            }
            next += 1;
        }
        reached.sort();
        assert_eq!(reached, Status::ALL);
    }

    #[test]
    fn words_are_read_back() {
        assert!(Status::ALL.iter().all(|status| Status::parse(status.as_str()) == Some(*status)));
        assert_eq!(Status::parse("created"), None);
    }
}
