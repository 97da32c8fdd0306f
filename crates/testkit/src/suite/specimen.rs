//! Rows to save: the barest, the fullest, and what belongs with them.

use std::sync::Arc;

use domain::Changes;
use domain::cart::{Cart, CartLine, CartOwner};
use domain::catalog::{Offer, OfferStatus, Sku, SkuStatus};
use domain::checkout::{Checkout, Status as CheckoutStatus};
use domain::event::{Fact, OrderEvent};
use domain::hold::{Hold, HoldLine, Status as HoldStatus};
use domain::ids::{
    CartId, CartItemId, HoldId, MessageId, OfferId, OrderEventId, OrderId, OrderItemId, OrderNumber, PaymentId, RefundId, TaskId, Uuid,
};
use domain::key::{Fingerprint, KeyRow, ScopedKey};
use domain::message::{Message, messages_of};
use domain::money::{AMOUNT_MAX, Currency};
use domain::order::{AddressRef, Channel, Line, LineSubject, Order, PaymentStanding, PriceSnapshot, Status, Totals};
use domain::payment::{Payment, Status as PaymentStatus};
use domain::refund::{Refund, Status as RefundStatus};
use domain::stock::{BalanceDelta, LedgerEntry, Operation, Reservation, ReservationKey, StockRef, StockState};
use domain::tables::Write;
use domain::task::{Kind as TaskKind, Task};
use domain::time::Time;

use crate::clock::START;

/// What texts may contain: several alphabets, beyond the basic plane, SQL, escapes, the separator of keys.
pub(super) const STRANGE: &str = "Zoë 日本 𝄞 o'Neil \"x\" \\ ; -- %_ $1 ?1 \u{1f} \n\ttab ";

/// The end of the year 9999, to the millisecond.
pub(super) const LATEST: Time = Time(253_402_300_799_999);

/// A name: the `n`-th of its `kind`.
pub(super) fn id(kind: u8, n: u128) -> Uuid {
    Uuid::from_u128((0x0190_0000_0000_7000_8000 << 48) | (u128::from(kind) << 40) | n)
}

pub(super) fn order_id(n: u128) -> OrderId {
    OrderId(id(1, n))
}

pub(super) fn write<R>(expected: i64, row: R) -> Write<Arc<R>> {
    Write { expected, row: Arc::new(row) }
}

pub(super) fn bare_sku(sku_id: &str) -> Sku {
    Sku {
        sku_id: sku_id.into(),
        product_id: "p".into(),
        name: "Thing".into(),
        status: SkuStatus::Active,
        tax_class: "standard".into(),
        title: None,
        author: None,
        offers: Vec::new(),
        version: 1,
        created_at: START,
        updated_at: START,
    }
}

pub(super) fn bare_offer(n: u128, sku_id: &str) -> Offer {
    Offer {
        offer_id: OfferId(id(2, n)),
        sku_id: sku_id.into(),
        price: 1999,
        currency: Currency::USD,
        priority: 0,
        valid_from: START,
        valid_to: None,
        status: OfferStatus::Active,
        created_at: START,
        updated_at: START,
    }
}

/// The `n`-th order: one ticket, nothing else.
pub(super) fn bare_order(n: u128) -> Order {
    Order {
        order_id: order_id(n),
        number: OrderNumber { year: 2100, serial: i64::try_from(n).expect("cases count in small numbers") },
        channel: Channel::Tickets,
        user_id: None,
        customer_email: None,
        cart_id: None,
        external_id: None,
        hold_id: None,
        idempotency_key: None,
        status: Status::Created,
        status_before: None,
        payment_standing: PaymentStanding::Pending,
        payment_method: None,
        payment_id: None,
        stock: StockState::Foreign,
        currency: Currency::USD,
        totals: Totals { subtotal: 500, discount: 0, tax: 0, shipping: 0, total: 500 },
        shipping_address: AddressRef::default(),
        billing_address: AddressRef::default(),
        notes: None,
        metadata: "{}".into(),
        tracking_number: None,
        shipped_at: None,
        delivered_at: None,
        cancelled_at: None,
        cancellation_reason: None,
        expires_at: None,
        version: 1,
        created_at: START,
        updated_at: START,
        lines: vec![ticket_line(id(3, n << 12), 1)],
        shipments: Vec::new(),
        refunds: Vec::new(),
    }
}

pub(super) fn ticket_line(item: Uuid, qty: i64) -> Line {
    Line {
        order_item_id: OrderItemId(item),
        subject: LineSubject::Ticket { session_id: id(4, 1), ticket_type_id: id(4, 2) },
        qty,
        unit_price: 500,
        total: 500 * qty,
        shipped_qty: 0,
        refunded_qty: 0,
    }
}

/// The `n`-th order with everything that an order can have, at its largest where there is a largest.
pub(super) fn full_order(n: u128) -> Order {
    let later = START.plus_seconds(1);
    let snapshot = PriceSnapshot { offer_id: OfferId(id(2, 9)), unit_price: 1_000_000_000, captured_at: later, title: None, author: None };
    let sku = |title: Option<&str>, author: Option<&str>| LineSubject::Sku {
        sku_id: STRANGE.into(),
        product_id: STRANGE.into(),
        name: "ß".repeat(255).into(),
        snapshot: PriceSnapshot { title: title.map(Into::into), author: author.map(Into::into), ..snapshot.clone() },
    };
    let line = |place: u128, subject, qty: i64| Line {
        order_item_id: OrderItemId(id(3, (n << 12) + 4095 - place)),
        subject,
        qty,
        unit_price: 1_000_000_000,
        total: qty * 1_000_000_000,
        shipped_qty: qty,
        refunded_qty: qty - 1,
    };
    Order {
        channel: Channel::Canonical,
        user_id: Some(STRANGE.into()),
        customer_email: Some("".into()),
        cart_id: Some(CartId(id(10, n))),
        external_id: Some(STRANGE.into()),
        hold_id: Some(HoldId(Uuid::from_u128(u128::MAX))),
        idempotency_key: Some(format!("{STRANGE}{n}").into()),
        status: Status::Canceled,
        status_before: Some(Status::ReadyToShip),
        payment_standing: PaymentStanding::PartiallyRefunded,
        payment_method: Some("pm_card_visa".into()),
        stock: StockState::Released,
        currency: Currency::JPY,
        totals: Totals { subtotal: AMOUNT_MAX, discount: 3, tax: 2, shipping: 1, total: AMOUNT_MAX },
        shipping_address: AddressRef { id: Some("".into()), snapshot: Some(r#"{"city": "Zoë", "line1": "a\nb", "n": 1.50}"#.into()) },
        billing_address: AddressRef { id: Some(STRANGE.into()), snapshot: Some("{}".into()) },
        notes: Some(STRANGE.into()),
        metadata: r#"{"z": [1, 2.0, null, true, "𝄞"], "a": {"b": {}}}"#.into(),
        tracking_number: Some("9".repeat(100).into()),
        shipped_at: Some(later),
        delivered_at: Some(Time(later.0 + 1)),
        cancelled_at: Some(Time(0)),
        cancellation_reason: Some("".into()),
        expires_at: Some(LATEST),
        updated_at: later,
        lines: vec![
            line(0, sku(Some(STRANGE), None), 1),
            line(1, sku(None, Some("")), 1),
            line(2, LineSubject::Ticket { session_id: Uuid::nil(), ticket_type_id: Uuid::max() }, 999_998),
        ],
        ..bare_order(n)
    }
}

/// The `n`-th payment, of the `order`-th order.
pub(super) fn bare_payment(n: u128, order: u128) -> Payment {
    Payment {
        payment_id: PaymentId(id(5, n)),
        order_id: order_id(order),
        provider: "stub".into(),
        provider_ref: None,
        status: PaymentStatus::Initiated,
        amount: 500,
        captured: 0,
        refunded: 0,
        is_surplus: false,
        currency: Currency::USD,
        method: "card_stub".into(),
        failure_reason: None,
        silences: 0,
        next_check_at: None,
        version: 1,
        created_at: START,
        updated_at: START,
    }
}

/// The `n`-th payment, captured in full.
pub(super) fn captured_payment(n: u128, order: u128) -> Payment {
    Payment { status: PaymentStatus::Captured, captured: 500, ..bare_payment(n, order) }
}

/// The `n`-th refund: all of the `n`-th payment, of the `n`-th order.
pub(super) fn refund(n: u128) -> Refund {
    Refund {
        refund_id: RefundId(id(7, n)),
        order_id: order_id(n),
        payment_id: PaymentId(id(5, n)),
        status: RefundStatus::Processing,
        amount: 500,
        currency: Currency::USD,
        reason: "late_payment".into(),
        provider_ref: None,
        failure_reason: None,
        silences: 0,
        next_check_at: None,
        version: 1,
        created_at: START,
        updated_at: START,
    }
}

/// The `n`-th task, about the `order`-th order.
pub(super) fn task(n: u128, order: u128) -> Task {
    Task {
        task_id: TaskId(id(8, n)),
        kind: TaskKind::AmountMismatch,
        order_id: order_id(order),
        detail: STRANGE.into(),
        assigned_to: None,
        note: None,
        closed_at: None,
        version: 1,
        created_at: START,
        updated_at: START,
    }
}

pub(super) fn reservation(sku_id: &str, reference: &str, qty: i64) -> Reservation {
    let reference = StockRef { kind: "hand".into(), id: reference.into() };
    let sku_id = sku_id.into();
    Reservation { key: ReservationKey::new(&sku_id, &reference), sku_id, reference, qty, version: 1, created_at: START, updated_at: START }
}

pub(super) fn key_row(key: &str, answer: &str) -> KeyRow {
    let bytes = std::array::from_fn(|index| u8::MAX - u8::try_from(index).expect("an index below 32"));
    KeyRow { key: ScopedKey::new("local", "place_order", key), fingerprint: Fingerprint(bytes), answer: answer.into(), created_at: START }
}

/// A movement by hand, under a key of its own.
pub(super) fn entry(key: &str, sku_id: &str, operation: Operation, qty: i64) -> LedgerEntry {
    let (on_hand_delta, reserved_delta) = operation.deltas(qty);
    LedgerEntry {
        key: key.into(),
        sku_id: sku_id.into(),
        operation,
        qty,
        on_hand_delta,
        reserved_delta,
        reference: StockRef { kind: "hand".into(), id: "h".into() },
        created_at: START,
    }
}

/// A fact of `order`, as the last one that led to where it stands.
pub(super) fn event(order: &Order, sequence: i64, fact: Fact) -> OrderEvent {
    let number = order.order_id.0.as_u128() << 8 | u128::from(sequence.unsigned_abs());
    OrderEvent {
        order_event_id: OrderEventId(id(6, number & 0xff_ffff_ffff)),
        order_id: order.order_id,
        sequence,
        fact,
        from: (sequence > 1).then_some(order.status),
        to: order.status,
        notes: order.notes.clone(),
        changed_by: STRANGE.into(),
        request_id: "".into(),
        created_at: order.created_at,
    }
}

/// An order that was placed and has no other history: with its fact and its messages.
pub(super) fn placed(order: Order) -> Changes {
    let mut changes = Changes::default();
    place_into(&mut changes, order);
    changes
}

/// The same, beside whatever else is saved.
pub(super) fn place_into(changes: &mut Changes, order: Order) {
    let fact = Fact::OrderCreated {
        total: order.totals.total,
        currency: order.currency,
        lines: order.lines.len(),
        payment_method: order.payment_method.clone(),
        expires_at: order.expires_at,
    };
    tell(changes, &Arc::new(order), 1, fact);
}

/// A fact with its messages, and `order` after it.
pub(super) fn tell(changes: &mut Changes, order: &Arc<Order>, sequence: i64, fact: Fact) {
    let cause = Arc::new(event(order, sequence, fact));
    for (place, kind) in messages_of(&cause.fact).iter().enumerate() {
        let number = (cause.order_event_id.0.as_u128() & 0xff_ffff_ffff) << 2 | u128::try_from(place).expect("two messages at most");
        let message_id = MessageId(Uuid::from_u128((0x0191 << 112) | number));
        changes.outbox.push(Message { message_id, kind: *kind, cause: cause.clone(), order: order.clone() });
    }
    changes.facts.push(cause);
    changes.orders.insert(order.order_id, Write { expected: sequence - 1, row: order.clone() });
}

/// Units put in or taken out by hand, booked as they must be.
pub(super) fn moved(key: &str, sku_id: &str, operation: Operation, qty: i64) -> Changes {
    let mut changes = Changes::default();
    let entry = entry(key, sku_id, operation, qty);
    let (on_hand, reserved) = (entry.on_hand_delta, entry.reserved_delta);
    changes.stock.insert(sku_id.into(), BalanceDelta { on_hand, reserved, steps: 1, is_new: false });
    changes.ledger.push(entry);
    changes
}

/// The `n`-th cart: three of one thing.
pub(super) fn cart(n: u128) -> Cart {
    let owner = CartOwner::Session(format!("session-{n}").into());
    let mut cart = Cart::begun(owner, CartId(id(10, n)), 1, START);
    cart.currency = Some(Currency::USD);
    cart.lines.push(cart_line(n << 12, "a"));
    cart
}

pub(super) fn cart_line(n: u128, sku_id: &str) -> CartLine {
    CartLine {
        cart_item_id: CartItemId(id(11, n)),
        sku_id: sku_id.into(),
        qty: 3,
        unit_price: 1999,
        offer_id: OfferId(id(2, 1)),
        captured_at: START,
    }
}

/// The `n`-th checkout session: nothing is known but its cart.
pub(super) fn checkout(n: u128) -> Checkout {
    Checkout {
        session_id: format!("session-{n}").into(),
        status: CheckoutStatus::Active,
        customer_id: None,
        customer_email: None,
        owner: cart(n).owner,
        shipping_address: AddressRef::default(),
        billing_address: AddressRef::default(),
        shipping_method: None,
        payment_method: None,
        promotion_codes: Vec::new(),
        notes: None,
        guest_token: None,
        hold_id: None,
        order_id: None,
        expires_at: START,
        version: 1,
        created_at: START,
        updated_at: START,
    }
}

/// The `n`-th hold; its units were given back.
pub(super) fn hold(n: u128) -> Hold {
    Hold {
        hold_id: HoldId(id(12, n)),
        status: HoldStatus::Released,
        items: vec![HoldLine { sku_id: "a".into(), qty: 2 }],
        order_id: None,
        expires_at: Some(START),
        version: 1,
        created_at: START,
        updated_at: START,
    }
}

/// The first units of a SKU.
pub(super) fn first_stock(key: &str, sku_id: &str, qty: i64) -> Changes {
    let mut changes = moved(key, sku_id, Operation::Restock, qty);
    changes.stock.values_mut().for_each(|delta| delta.is_new = true);
    changes
}

/// One new row in every table, the `n`-th of each; `key`: of the order and of the key row.
pub(super) fn one_of_each(n: u128, key: &str) -> Changes {
    let sku_id = format!("sku-{n}");
    let mut changes = first_stock(&format!("ledger-{n}"), &sku_id, 10);
    let row = key_row(key, &order_id(n).to_string());
    let order =
        Order { idempotency_key: Some(row.key.0.clone()), payment_id: Some(PaymentId(id(5, n))), status: Status::Paid, ..bare_order(n) };
    place_into(&mut changes, Order { payment_standing: PaymentStanding::Paid, ..order });
    changes.keys.insert(row.key.clone(), write(0, row));
    let sku = Sku { offers: vec![bare_offer(n, &sku_id)], ..bare_sku(&sku_id) };
    changes.skus.insert(sku.sku_id.clone(), write(0, sku));
    let payment = captured_payment(n, n);
    changes.payments.insert(payment.payment_id, write(0, payment));
    let refund = Refund { status: RefundStatus::Rejected, ..refund(n) };
    changes.refunds.insert(refund.refund_id, write(0, refund.clone()));
    changes.orders.values_mut().for_each(|write| Arc::make_mut(&mut write.row).refunds.push(refund.refund_id));
    let task = task(n, n);
    changes.tasks.insert(task.task_id, write(0, task));
    let cart = cart(n);
    changes.carts.insert(cart.owner.clone(), write(0, cart));
    let checkout = checkout(n);
    changes.checkouts.insert(checkout.session_id.clone(), write(0, checkout));
    let hold = hold(n);
    changes.holds.insert(hold.hold_id, write(0, hold));
    let reservation = reservation(&sku_id, "r", 0);
    changes.reservations.insert(reservation.key.clone(), write(0, reservation));
    changes
}
