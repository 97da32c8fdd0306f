//! An order as it was: the fold of its facts so far. What no fact carries is shown as it is now.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Line, Order, PaymentMethod, Status};
use crate::command::OrderAnswer;
use crate::event::Fact;
use crate::ids::{OrderItemId, PaymentId, RefundId, ShipmentId};
use crate::payment::{self, Payment};
use crate::refund::{self, Refund};
use crate::shipment::{self, Shipment};
use crate::stock::{self, Operation, StockState};
use crate::time::Time;

/// A fact as it is read back from the history.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Told {
    /// Its place in the history.
    pub sequence: i64,
    /// What happened; `None`: this version does not know that word.
    pub fact: Option<Fact>,
    /// The status after it.
    pub to: Status,
    /// When.
    pub at: Time,
}

/// An attempt to be paid, as it was.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Attempt {
    status: payment::Status,
    captured: i64,
    refunded: i64,
    is_surplus: bool,
    failure_reason: Option<Arc<str>>,
}

const BEGUN: Attempt = Attempt { status: payment::Status::Initiated, captured: 0, refunded: 0, is_surplus: false, failure_reason: None };

/// What the facts so far say.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Past {
    version: i64,
    at: Time,
    status: Status,
    status_before: Option<Status>,
    stock: StockState,
    payment_method: Option<PaymentMethod>,
    expires_at: Option<Time>,
    tracking_number: Option<Arc<str>>,
    attempts: BTreeMap<PaymentId, Attempt>,
    shown: Option<PaymentId>,
    /// With the reason of a failure.
    refunds: BTreeMap<RefundId, (refund::Status, Option<Arc<str>>)>,
    shipments: BTreeSet<ShipmentId>,
    has_shipped: bool,
    has_arrived: bool,
    is_canceled: bool,
}

impl Past {
    /// After `facts`, the oldest first; `None`: before all of them there was no order.
    pub fn after<'f>(facts: impl IntoIterator<Item = &'f Told>) -> Option<Self> {
        let mut facts = facts.into_iter();
        let mut past = Self::begun(facts.next()?);
        facts.for_each(|told| past.goes_on(told));
        Some(past)
    }

    /// The attempt to be paid that the order showed.
    pub const fn shown(&self) -> Option<PaymentId> {
        self.shown
    }

    fn begun(first: &Told) -> Self {
        let mut past = Self {
            version: 0,
            at: first.at,
            status: first.to,
            status_before: None,
            stock: StockState::Foreign,
            payment_method: None,
            expires_at: None,
            tracking_number: None,
            attempts: BTreeMap::new(),
            shown: None,
            refunds: BTreeMap::new(),
            shipments: BTreeSet::new(),
            has_shipped: false,
            has_arrived: false,
            is_canceled: false,
        };
        past.goes_on(first);
        past
    }

    fn goes_on(&mut self, told: &Told) {
        self.version = told.sequence;
        self.at = told.at;
        if told.to != self.status {
            self.status_before = (told.to == Status::RefundPending).then_some(self.status);
            self.status = told.to;
        }
        if let Some(fact) = &told.fact {
            self.happens(fact);
        }
    }

    fn happens(&mut self, fact: &Fact) {
        match fact {
            Fact::OrderCreated { expires_at, payment_method, .. } => {
                self.expires_at = *expires_at;
                self.payment_method.clone_from(payment_method);
            }
            Fact::PaymentRequested { expires_at, payment_method, payment_id, .. } => {
                self.expires_at = *expires_at;
                self.payment_method = Some(payment_method.clone());
                self.attempts.insert(*payment_id, BEGUN);
                self.shown = Some(*payment_id);
            }
            Fact::PaymentSucceeded { payment_id, amount, .. } => {
                if *amount == 0 {
                    // An order for nothing.
                    self.payment_method = Some("none".into());
                }
                self.expires_at = None;
                self.came(*payment_id, *amount, false);
                self.shown = Some(*payment_id);
            }
            Fact::LatePaymentReceived { payment_id, amount, .. } => self.came(*payment_id, *amount, true),
            Fact::PaymentFailed { payment_id, reason } => {
                if !self.attempts.contains_key(payment_id) {
                    // Nobody here had asked for it: it is told of, and shown, once it has failed.
                    self.shown = Some(*payment_id);
                }
                let failed = Attempt { status: payment::Status::Failed, failure_reason: Some(reason.clone()), ..BEGUN };
                self.attempts.insert(*payment_id, failed);
            }
            Fact::OrderCanceled { .. } => self.canceled(),
            Fact::InventoryReserved => self.stock = StockState::Reserved,
            Fact::InventoryDeducted => self.moves(Operation::Deduct),
            Fact::InventoryReleased => self.moves(Operation::Release),
            Fact::InventoryRestocked => self.moves(Operation::Restock),
            Fact::ShipmentCreated { shipment_id } => {
                self.shipments.insert(*shipment_id);
            }
            Fact::OrderShipped { tracking_number, .. } => {
                self.has_shipped = true;
                if tracking_number.is_some() {
                    self.tracking_number.clone_from(tracking_number);
                }
            }
            Fact::OrderDelivered => self.has_arrived = true,
            Fact::RefundRequested { refund_id, .. } => {
                self.refunds.insert(*refund_id, (refund::Status::Processing, None));
            }
            Fact::RefundSucceeded { refund_id, payment_id, amount, .. }
            | Fact::LatePaymentRefunded { refund_id, payment_id, amount, .. } => self.went_back(*refund_id, *payment_id, *amount),
            Fact::RefundFailed { refund_id, reason } => {
                self.refunds.insert(*refund_id, (refund::Status::Failed, Some(reason.clone())));
            }
            Fact::OrderExpired | Fact::OrderReady | Fact::OrderChanged { .. } => {}
        }
    }

    fn came(&mut self, payment_id: PaymentId, amount: i64, is_surplus: bool) {
        self.attempts.insert(payment_id, Attempt { status: payment::Status::Captured, captured: amount, is_surplus, ..BEGUN });
    }

    fn canceled(&mut self) {
        self.is_canceled = true;
        self.expires_at = None;
        // Nobody will pay for a canceled order: what is open is called off with it.
        let open = self.shown.and_then(|shown| self.attempts.get_mut(&shown)).filter(|attempt| attempt.status.is_open());
        if let Some(attempt) = open {
            attempt.status = payment::Status::Canceled;
        }
    }

    fn went_back(&mut self, refund_id: RefundId, payment_id: PaymentId, amount: i64) {
        self.refunds.insert(refund_id, (refund::Status::Refunded, None));
        if let Some(attempt) = self.attempts.get_mut(&payment_id) {
            attempt.refunded = attempt.refunded.saturating_add(amount);
            attempt.status =
                if attempt.refunded == attempt.captured { payment::Status::Refunded } else { payment::Status::PartiallyRefunded };
        }
    }

    fn moves(&mut self, operation: Operation) {
        self.stock = stock::next(self.stock, operation).unwrap_or(self.stock);
    }

    /// The order as it was. `now` is as it is, `payment` as the attempt that was [shown](Self::shown) is.
    #[must_use]
    pub fn of(&self, now: &OrderAnswer, payment: Option<&Arc<Payment>>) -> OrderAnswer {
        let order = &*now.order;
        let payment = payment.map(|payment| self.payment(payment));
        let shipments: Vec<Shipment> = order.shipments.iter().filter_map(|shipment| self.shipment(shipment)).collect();
        let refunds: Vec<Arc<Refund>> = now.refunds.iter().filter_map(|refund| self.refund(refund)).collect();
        let past = Order {
            status: self.status,
            status_before: self.status_before,
            payment_standing: payment.as_deref().map_or(super::PaymentStanding::Pending, Payment::standing),
            payment_method: self.payment_method.clone(),
            payment_id: self.shown,
            stock: self.stock,
            tracking_number: self.tracking_number.clone(),
            shipped_at: order.shipped_at.filter(|_| self.has_shipped),
            delivered_at: order.delivered_at.filter(|_| self.has_arrived),
            cancelled_at: order.cancelled_at.filter(|_| self.is_canceled),
            cancellation_reason: order.cancellation_reason.clone().filter(|_| self.is_canceled),
            expires_at: self.expires_at,
            version: self.version,
            updated_at: self.at,
            lines: order.lines.iter().map(|line| self.line(line, &shipments)).collect(),
            shipments,
            refunds: refunds.iter().map(|refund| refund.refund_id).collect(),
            ..order.clone()
        };
        OrderAnswer { refunds, ..OrderAnswer::now(Arc::new(past), payment, Vec::new()) }
    }

    fn line(&self, line: &Line, shipments: &[Shipment]) -> Line {
        let of_line = |id: OrderItemId| move |shipped: &&shipment::ShipmentLine| shipped.order_item_id == id;
        let shipped = shipments.iter().flat_map(|shipment| &shipment.lines).filter(of_line(line.order_item_id));
        let went_back = self.refunds.values().any(|(status, _)| *status == refund::Status::Refunded);
        Line {
            shipped_qty: shipped.fold(0, |sum, shipped| sum.saturating_add(shipped.qty)),
            refunded_qty: if went_back { line.refunded_qty } else { 0 },
            ..line.clone()
        }
    }

    fn payment(&self, now: &Arc<Payment>) -> Arc<Payment> {
        let Some(then) = self.attempts.get(&now.payment_id) else { return now.clone() };
        // Silence is no fact: an attempt that is open now is shown as it is.
        let is_same = then.status == now.status || (then.status.is_open() && now.status.is_open());
        if is_same && then.captured == now.captured && then.refunded == now.refunded {
            return now.clone();
        }
        let past = Payment {
            status: then.status,
            captured: then.captured,
            refunded: then.refunded,
            is_surplus: then.is_surplus,
            failure_reason: then.failure_reason.clone(),
            provider_ref: now.provider_ref.clone().filter(|_| then.captured > 0),
            next_check_at: None,
            ..(**now).clone()
        };
        Arc::new(past)
    }

    fn refund(&self, now: &Arc<Refund>) -> Option<Arc<Refund>> {
        let (status, reason) = self.refunds.get(&now.refund_id)?;
        if *status == now.status {
            return Some(now.clone());
        }
        let then = Refund { status: *status, provider_ref: None, failure_reason: reason.clone(), next_check_at: None, ..(**now).clone() };
        Some(Arc::new(then))
    }

    fn shipment(&self, now: &Shipment) -> Option<Shipment> {
        let is_there = self.shipments.contains(&now.shipment_id);
        let under_way = now.status == shipment::Status::Delivered && !self.has_arrived;
        let then = || Shipment { status: shipment::Status::Shipped, delivered_at: None, ..now.clone() };
        is_there.then(|| if under_way { then() } else { now.clone() })
    }
}
