//! A change of an order in the making: status, facts, messages and stock stay together.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Answer, Context, Decision, OrderAnswer, Stop, booking};
use crate::event::{Fact, OrderEvent};
use crate::hold::{self, Hold};
use crate::ids::{MessageId, OrderEventId, OrderId, RefundId, SkuId, TaskId, Uuid};
use crate::message::{Message, messages_of};
use crate::money;
use crate::order::{Action, AddressRef, Channel, Order, PaymentStanding, Status, To, Totals, find};
use crate::payment::{self, News, Payment};
use crate::refund::{self, Refund};
use crate::refusal::OrderRefusal;
use crate::stock::{self, Operation, StockRef, StockState};
use crate::tables::{Changes, Gap, View, Write};
use crate::task::{self, Task};
use crate::time::Time;

/// An order that is being changed by one command.
#[derive(Debug)]
pub struct Draft<'a> {
    /// The order so far.
    pub order: Order,
    /// Its latest payment so far.
    pub payment: Option<Arc<Payment>>,
    /// What the one who changes the status has to say.
    pub notes: Option<Arc<str>>,
    refunds: Vec<Arc<Refund>>,
    seen: &'a View,
    cx: &'a Context,
    changes: Changes,
    /// Now; never before the latest fact: machines disagree about the time, and commands overtake each other.
    at: Time,
    expected: i64,
    status_told: Option<Status>,
    facts: Vec<Arc<OrderEvent>>,
    ids_used: u16,
}

impl<'a> Draft<'a> {
    /// Begins a new order; `order.version` is 0.
    pub fn place(order: Order, seen: &'a View, cx: &'a Context) -> Self {
        Self { expected: 0, status_told: None, ..Self::of(order, seen, cx) }
    }

    /// Begins a change of an order that is there.
    pub fn change(now: &OrderAnswer, seen: &'a View, cx: &'a Context) -> Self {
        Self { payment: now.payment.clone(), refunds: now.refunds.clone(), ..Self::of((*now.order).clone(), seen, cx) }
    }

    fn of(order: Order, seen: &'a View, cx: &'a Context) -> Self {
        Self {
            at: cx.now.max(order.updated_at),
            expected: order.version,
            status_told: Some(order.status),
            order,
            payment: None,
            notes: None,
            refunds: Vec::new(),
            seen,
            cx,
            changes: Changes::default(),
            facts: Vec::new(),
            // The first id names what the command makes: the order or the payment.
            ids_used: 1,
        }
    }

    /// A name that no other thing has.
    pub fn next_id<T: From<Uuid>>(&mut self) -> T {
        let id = self.cx.mint.id(self.ids_used);
        self.ids_used = self.ids_used.saturating_add(1);
        id.into()
    }

    /// Moves the order as the lifecycle table says.
    pub fn act(&mut self, action: Action) -> Result<(), OrderRefusal> {
        let from = self.order.status;
        let to = match find(from, action, self.order.circumstances(&self.cx.caller)) {
            Some(To::Go(to)) => Some(to),
            Some(To::Back) => self.order.status_before,
            None => None,
        };
        let to = to.ok_or(OrderRefusal::InvalidTransition { from, action })?;
        self.order.status_before = (to == Status::RefundPending).then_some(from);
        self.order.status = to;
        Ok(())
    }

    /// Appends a fact. The messages that follow from it are made when the draft is finished.
    pub fn fact(&mut self, fact: Fact) {
        self.order.version = self.order.version.saturating_add(1);
        let has_moved = self.status_told != Some(self.order.status);
        let event = OrderEvent {
            order_event_id: self.next_id::<OrderEventId>(),
            order_id: self.order.order_id,
            sequence: self.order.version,
            fact,
            from: self.status_told,
            to: self.order.status,
            notes: self.notes.clone().filter(|_| has_moved),
            changed_by: self.cx.caller.id.clone(),
            request_id: self.cx.request_id.clone(),
            created_at: self.at,
        };
        self.status_told = Some(self.order.status);
        self.facts.push(Arc::new(event));
    }

    /// Sums the lines up and appends that the order was placed.
    pub fn created(&mut self) -> Result<(), OrderRefusal> {
        let subtotal = money::sum(self.order.lines.iter().map(|line| line.total))?;
        self.order.totals = Totals { subtotal, discount: 0, tax: 0, shipping: 0, total: subtotal };
        self.fact(Fact::OrderCreated {
            total: subtotal,
            currency: self.order.currency,
            lines: self.order.lines.len(),
            payment_method: self.order.payment_method.clone(),
            expires_at: self.order.expires_at,
        });
        Ok(())
    }

    /// Promises the stock of all lines, or tells what is short. Lines of the same SKU are added up first.
    pub fn reserve(&mut self) -> Result<(), Stop> {
        let (order, quantities) = (self.order_ref(), self.quantities());
        let short = booking::reserve(&mut self.changes, self.seen, &order, &quantities, self.cx.now)?;
        if short.is_empty() { Ok(()) } else { Err(OrderRefusal::OutOfStock(short).into()) }
    }

    /// Moves the stock behind the order as its lifecycle says and appends `fact`; nothing where the stock is foreign. The hold behind it
    /// goes the same way.
    pub fn move_stock(&mut self, operation: Operation, fact: Fact) -> Result<(), Gap> {
        let next = stock::next(self.order.stock, operation);
        if let Some(hold) = self.hold()?
            && (hold.is_foreign() || next.is_some())
        {
            booking::turn(&mut self.changes, &hold, operation, self.cx.now);
        }
        let Some(state) = next else { return Ok(()) };
        self.order.stock = state;
        let order = self.order_ref();
        for (sku_id, qty) in self.quantities() {
            booking::book(&mut self.changes, &order, &sku_id, operation, qty, self.cx.now);
        }
        self.fact(fact);
        Ok(())
    }

    /// Writes `hold`, which backs the order from now on.
    pub fn claim(&mut self, hold: Hold) {
        if !hold.is_foreign() {
            self.order.stock = StockState::Reserved;
        }
        let hold = Hold { status: hold::Status::Active, order_id: Some(self.order.order_id), expires_at: None, ..hold };
        booking::write(&mut self.changes, hold, self.cx.now);
    }

    /// Gives the units of `hold`, if it still holds any, to the order, which reserves them itself.
    pub fn take_over(&mut self, hold: &Hold) {
        if hold.status == hold::Status::Active {
            let hold = Hold { order_id: Some(self.order.order_id), expires_at: None, ..hold.clone() };
            booking::turn(&mut self.changes, &hold, Operation::Release, self.cx.now);
        }
    }

    /// The hold that backs the order, as it is by now.
    fn hold(&self) -> Result<Option<Arc<Hold>>, Gap> {
        let Some(hold_id) = self.order.hold_id else { return Ok(None) };
        let written = self.changes.holds.get(&hold_id).map(|write| &write.row);
        let hold = if written.is_some() { written } else { self.seen.holds.get(&hold_id)? };
        Ok(hold.filter(|hold| hold.order_id == Some(self.order.order_id)).cloned())
    }

    fn quantities(&self) -> BTreeMap<SkuId, i64> {
        let lines = self.order.lines.iter();
        booking::sums(lines.filter_map(|line| Some((line.sku_id()?, line.qty))))
    }

    fn order_ref(&self) -> StockRef {
        StockRef { kind: "order".into(), id: self.order.order_id.to_string().into() }
    }

    /// An order for nothing is paid when it is placed, by a payment of nothing.
    pub fn pay_nothing(&mut self) -> Result<(), Stop> {
        if self.order.totals.total != 0 {
            return Ok(());
        }
        let (payment_id, currency) = (self.next_id(), self.order.currency);
        self.act(Action::Pay)?;
        self.order.payment_method = Some("none".into());
        self.order.expires_at = None;
        self.pay_by(0, Payment::of_nothing(payment_id, self.order.order_id, currency, self.cx.now));
        self.fact(Fact::PaymentSucceeded { payment_id, amount: 0, currency });
        self.move_stock(Operation::Deduct, Fact::InventoryDeducted)?;
        Ok(())
    }

    /// Writes `payment` and makes it the one that the order shows.
    pub fn pay_by(&mut self, expected: i64, payment: Payment) {
        self.order.payment_id = Some(payment.payment_id);
        self.write_payment(expected, payment);
    }

    /// Writes `payment`; the order shows it only if it did before.
    pub fn write_payment(&mut self, expected: i64, payment: Payment) {
        let payment = Arc::new(payment);
        self.changes.payments.insert(payment.payment_id, Write { expected, row: payment.clone() });
        if self.order.payment_id == Some(payment.payment_id) {
            self.order.payment_standing = payment.standing();
            self.payment = Some(payment);
        }
    }

    /// Closes the latest payment if it is open: nobody will pay for a canceled order.
    pub fn call_off_payment(&mut self) {
        let Some(payment) = self.payment.clone() else { return };
        if let Some(status) = payment::next(payment.status, News::Canceled).filter(|_| payment.status.is_open()) {
            let called_off = Payment {
                status,
                next_check_at: None,
                version: payment.version.saturating_add(1),
                updated_at: self.cx.now,
                ..(*payment).clone()
            };
            self.pay_by(payment.version, called_off);
        }
    }

    /// Begins to give `amount` of `payment` back, and says so.
    pub fn give_back(&mut self, payment: &Payment, amount: i64, reason: Arc<str>) {
        let by_hand = payment.is_by_hand();
        let refund = Refund {
            refund_id: self.next_id::<RefundId>(),
            order_id: self.order.order_id,
            payment_id: payment.payment_id,
            status: refund::Status::Processing,
            amount,
            currency: payment.currency,
            reason: reason.clone(),
            provider_ref: None,
            failure_reason: None,
            silences: 0,
            next_check_at: (!by_hand).then(|| self.cx.now.plus_seconds(super::FIRST_CHECK_SECONDS)),
            version: 1,
            created_at: self.cx.now,
            updated_at: self.cx.now,
        };
        let (refund_id, payment_id, currency) = (refund.refund_id, refund.payment_id, refund.currency);
        // By name, as the stores give them; names rise with time.
        self.order.refunds.push(refund_id);
        self.order.refunds.sort_unstable();
        self.write_refund(0, refund);
        self.fact(Fact::RefundRequested { refund_id, payment_id, amount, currency, reason, by_hand });
    }

    /// Writes `refund`.
    pub fn write_refund(&mut self, expected: i64, refund: Refund) {
        let refund = Arc::new(refund);
        match self.refunds.iter_mut().find(|known| known.refund_id == refund.refund_id) {
            Some(known) => *known = refund.clone(),
            None => self.refunds.push(refund.clone()),
        }
        self.changes.refunds.insert(refund.refund_id, Write { expected, row: refund });
    }

    /// Calls for a person.
    pub fn open_task(&mut self, kind: task::Kind, detail: Arc<str>) {
        let task = Task {
            task_id: self.next_id::<TaskId>(),
            kind,
            order_id: self.order.order_id,
            detail,
            assigned_to: None,
            note: None,
            closed_at: None,
            version: 1,
            created_at: self.cx.now,
            updated_at: self.cx.now,
        };
        self.changes.tasks.insert(task.task_id, Write { expected: 0, row: Arc::new(task) });
    }

    /// Closes the draft: the order, its facts and their messages, to be saved together.
    pub fn finish(mut self) -> Decision<OrderAnswer> {
        if self.facts.is_empty() {
            // The order's version is the number of its facts: without one, the order has not changed.
            return Decision { changes: self.changes, answer: OrderAnswer::now(Arc::new(self.order), self.payment, self.refunds) };
        }
        self.order.updated_at = self.at;
        let facts = std::mem::take(&mut self.facts);
        let message_ids: Vec<MessageId> = facts.iter().flat_map(|event| messages_of(&event.fact)).map(|_| self.next_id()).collect();
        let order = Arc::new(self.order);
        let kinds = facts.iter().flat_map(|event| messages_of(&event.fact).iter().map(move |kind| (event, *kind)));
        self.changes.outbox = kinds
            .zip(message_ids)
            .map(|((cause, kind), message_id)| Message { message_id, kind, cause: cause.clone(), order: order.clone() })
            .collect();
        self.changes.facts = facts;
        self.changes.orders.insert(order.order_id, Write { expected: self.expected, row: order.clone() });
        Decision { changes: self.changes, answer: OrderAnswer::now(order, self.payment, self.refunds) }
    }
}

/// A new order without lines, under the name and the number that were drawn for it.
pub(super) fn blank_order(channel: Channel, seen: &View, cx: &Context) -> Result<Order, Gap> {
    let order_id: OrderId = cx.id();
    let number = *seen.numbers.get(&order_id).ok_or_else(|| Gap { table: "Numbers", key: order_id.to_string() })?;
    Ok(Order {
        order_id,
        number,
        channel,
        user_id: None,
        customer_email: None,
        cart_id: None,
        external_id: None,
        hold_id: None,
        idempotency_key: cx.key.as_ref().map(|key| key.0.clone()),
        status: Status::Created,
        status_before: None,
        payment_standing: PaymentStanding::Pending,
        payment_method: None,
        payment_id: None,
        stock: StockState::Foreign,
        currency: cx.settings.currency,
        totals: Totals { subtotal: 0, discount: 0, tax: 0, shipping: 0, total: 0 },
        shipping_address: AddressRef::default(),
        billing_address: AddressRef::default(),
        notes: None,
        metadata: "{}".into(),
        tracking_number: None,
        shipped_at: None,
        delivered_at: None,
        cancelled_at: None,
        cancellation_reason: None,
        expires_at: Some(cx.now.plus_seconds(cx.settings.payment_window_seconds)),
        version: 0,
        created_at: cx.now,
        updated_at: cx.now,
        lines: Vec::new(),
        shipments: Vec::new(),
        refunds: Vec::new(),
    })
}

/// The answer that changes nothing.
pub(super) fn unchanged<A: Answer>(answer: A) -> Decision<A> {
    Decision { changes: Changes::default(), answer }
}

/// A gap for an answer that was stored in a form that cannot be read.
pub(super) fn unreadable(table: &'static str, stored: &str) -> Gap {
    Gap { table, key: stored.to_owned() }
}
