//! Hears what other services tell of an order: money, carriers, refunds by hand. The same event is heard once, for ever.

use std::sync::Arc;

use super::create_payment::stated;
use super::draft::{unchanged, unreadable};
use super::fulfil_order::{deliver, ship};
use super::record_payment::{captured, declined};
use super::record_refund::{self, RefundWord, settle};
use super::request_payment::attempt;
use super::{Answer, Command, Context, Decision, Draft, OrderAnswer, Stop};
use crate::caller::Caller;
use crate::ids::{OrderId, RefundId};
use crate::money::{Currency, Decimal};
use crate::order::{Action, Order, Status as OrderStatus};
use crate::payment::{Payment, Status};
use crate::refusal::{PaymentRefusal, RefundRefusal};
use crate::tables::{Gap, Needs, View};
use crate::task;

/// What is told of an order.
#[derive(Clone, PartialEq, Debug)]
pub enum OrderNews {
    /// Its money came.
    PaymentConfirmed {
        /// How much.
        amount: Decimal,
        /// In which currency; `None`: the order's.
        currency: Option<Currency>,
        /// The teller's name for the payment: another name is other money.
        reference: Option<Arc<str>>,
    },
    /// Its money did not come.
    PaymentFailed {
        /// Why.
        reason: Arc<str>,
    },
    /// All of it left.
    Shipped {
        /// With whom.
        carrier_code: Option<Arc<str>>,
        /// Under which number.
        tracking_number: Option<Arc<str>>,
    },
    /// All of it arrived.
    Delivered,
    /// A refund that is given by hand was given.
    RefundSucceeded {
        /// Which refund.
        refund_id: RefundId,
    },
    /// A refund that is given by hand could not be given.
    RefundFailed {
        /// Which refund.
        refund_id: RefundId,
        /// Why.
        reason: Arc<str>,
    },
}

impl OrderNews {
    /// What is told, in a word.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::PaymentConfirmed { .. } => "payment.confirmed",
            Self::PaymentFailed { .. } => "payment.failed",
            Self::Shipped { .. } => "shipment.shipped",
            Self::Delivered => "shipment.delivered",
            Self::RefundSucceeded { .. } => "refund.succeeded",
            Self::RefundFailed { .. } => "refund.failed",
        }
    }
}

/// Hears what is told of an order. Its idempotency key is the event's id.
#[derive(Clone, Debug)]
pub struct HearEvent {
    /// Of which order.
    pub order_id: OrderId,
    /// What is told.
    pub news: OrderNews,
}

/// What came of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EventAnswer {
    /// The order changed.
    Applied,
    /// It was known already, or is out of date.
    Nothing,
    /// The money is not what is due: nothing moved, and a person was called.
    AmountMismatch,
}

impl EventAnswer {
    const ALL: &[Self] = &[Self::Applied, Self::Nothing, Self::AmountMismatch];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Nothing => "nothing",
            Self::AmountMismatch => "amount_mismatch",
        }
    }
}

impl Answer for EventAnswer {
    fn remember(&self) -> String {
        self.as_str().to_owned()
    }

    fn recall(stored: &str, _: &View) -> Result<Self, Stop> {
        Ok(Self::ALL.iter().copied().find(|answer| answer.as_str() == stored).ok_or_else(|| unreadable("Keys", stored))?)
    }
}

impl Command for HearEvent {
    type Answer = EventAnswer;
    const NAME: &'static str = "hear_event";

    fn key_owner(_: &Caller) -> &'static str {
        "events"
    }

    fn needs(&self, seen: &View, _: &Context, needs: &mut Needs) {
        OrderAnswer::needs_of(self.order_id, seen, needs);
        needs.stock_of(seen.orders.peek(&self.order_id), seen);
        // Money that came too late stands behind a refund, not behind the order.
        for refund_id in seen.orders.peek(&self.order_id).map_or(&[][..], |order| &order.refunds) {
            needs.payments.extend(seen.refunds.peek(refund_id).map(|refund| refund.payment_id));
        }
        if let OrderNews::RefundSucceeded { refund_id } | OrderNews::RefundFailed { refund_id, .. } = &self.news {
            record_refund::needs_of(*refund_id, seen, needs);
        }
    }

    fn decide(&self, seen: &View, cx: &Context) -> Result<Decision<EventAnswer>, Stop> {
        let now = OrderAnswer::visible(self.order_id, seen, cx)?;
        let mut draft = Draft::change(&now, seen, cx);
        let answer = match &self.news {
            OrderNews::PaymentConfirmed { reference, .. } if is_known(&now, reference.as_ref(), seen)? => EventAnswer::Nothing,
            OrderNews::PaymentConfirmed { amount, currency, reference } => paid(&mut draft, cx, *amount, *currency, reference.as_ref())?,
            OrderNews::PaymentFailed { reason } => not_paid(&mut draft, cx, reason)?,
            OrderNews::Shipped { carrier_code, tracking_number } => {
                if is_beyond(&now.order, OrderStatus::Shipped) {
                    EventAnswer::Nothing
                } else {
                    ship(&mut draft, cx, carrier_code.clone(), tracking_number.clone())?;
                    EventAnswer::Applied
                }
            }
            OrderNews::Delivered => {
                if is_beyond(&now.order, OrderStatus::Delivered) {
                    EventAnswer::Nothing
                } else {
                    // A carrier may skip steps, never go back.
                    if now.order.status != OrderStatus::Shipped {
                        let (from, action) = (now.order.status, Action::Deliver);
                        ship(&mut draft, cx, None, None).map_err(|_| crate::refusal::OrderRefusal::InvalidTransition { from, action })?;
                    }
                    deliver(&mut draft, cx)?;
                    EventAnswer::Applied
                }
            }
            OrderNews::RefundSucceeded { refund_id } => {
                refunded(&mut draft, *refund_id, &RefundWord::Done { provider_ref: None }, seen, cx)?
            }
            OrderNews::RefundFailed { refund_id, reason } => {
                refunded(&mut draft, *refund_id, &RefundWord::Refused { reason: reason.clone() }, seen, cx)?
            }
        };
        if answer == EventAnswer::Nothing {
            return Ok(unchanged(answer));
        }
        Ok(Decision { changes: draft.finish().changes, answer })
    }
}

/// Whether what `reached` tells of is behind the order already.
fn is_beyond(order: &Order, reached: OrderStatus) -> bool {
    matches!(
        (order.status_before.unwrap_or(order.status), reached),
        (OrderStatus::Shipped | OrderStatus::Delivered, OrderStatus::Shipped) | (OrderStatus::Delivered, OrderStatus::Delivered)
    )
}

/// Whether this money was heard of before: as what pays the order, or as what came too late. Without a name it is the money that
/// came, whatever that is called.
fn is_known(now: &OrderAnswer, reference: Option<&Arc<str>>, seen: &View) -> Result<bool, Gap> {
    let is_the_same = |payment: &Payment| payment.came() && (reference.is_none() || reference == payment.provider_ref.as_ref());
    if now.payment.as_deref().is_some_and(is_the_same) {
        return Ok(true);
    }
    for refund in &now.refunds {
        if seen.payments.get(&refund.payment_id)?.is_some_and(|payment| is_the_same(payment)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Money that another service took. Where it is not what is due, nothing moves and a person is called.
fn paid(
    draft: &mut Draft<'_>,
    cx: &Context,
    amount: Decimal,
    currency: Option<Currency>,
    reference: Option<&Arc<str>>,
) -> Result<EventAnswer, Stop> {
    let due = draft.order.totals.total;
    match stated(&draft.order, amount, currency) {
        Ok(stated) if stated == due => {}
        Ok(_) | Err(PaymentRefusal::CurrencyMismatch { .. }) => {
            let detail = format!("a payment was told of whose amount or currency is not what is due for order {}", draft.order.number);
            draft.open_task(task::Kind::AmountMismatch, detail.into());
            return Ok(EventAnswer::AmountMismatch);
        }
        Err(refusal) => return Err(refusal.into()),
    }
    call_off_idle(draft);
    let payment =
        Payment { status: Status::Captured, captured: due, provider_ref: reference.cloned(), ..attempt(cx.id(), &draft.order, cx) };
    captured(draft, 0, payment)?;
    Ok(EventAnswer::Applied)
}

fn not_paid(draft: &mut Draft<'_>, cx: &Context, reason: &Arc<str>) -> Result<EventAnswer, Stop> {
    if !draft.order.status.awaits_payment() {
        return Ok(EventAnswer::Nothing);
    }
    super::cancel_order::refuse_while_open(draft.payment.as_deref())?;
    call_off_idle(draft);
    let payment = Payment { status: Status::Failed, failure_reason: Some(reason.clone()), ..attempt(cx.id(), &draft.order, cx) };
    draft.order.payment_id = Some(payment.payment_id);
    declined(draft, 0, payment, reason, cx)?;
    Ok(EventAnswer::Applied)
}

/// An attempt that waits for nobody's answer ends with the news of another one.
fn call_off_idle(draft: &mut Draft<'_>) {
    if !draft.payment.as_ref().is_some_and(|payment| payment.awaits_provider()) {
        draft.call_off_payment();
    }
}

fn refunded(draft: &mut Draft<'_>, refund_id: RefundId, said: &RefundWord, seen: &View, cx: &Context) -> Result<EventAnswer, Stop> {
    let not_found = RefundRefusal::NotFound(refund_id);
    let refund = seen.refunds.get(&refund_id)?.filter(|refund| refund.order_id == draft.order.order_id).ok_or(not_found)?;
    if refund.next_check_at.is_some() {
        return Err(PaymentRefusal::NotByHand(refund.payment_id).into());
    }
    Ok(if settle(draft, refund, said, seen, cx)? { EventAnswer::Applied } else { EventAnswer::Nothing })
}
