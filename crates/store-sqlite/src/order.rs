//! Table `orders`: an order and its lines change together, under the order's version.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::ids::{AddressId, OrderId, OrderNumber, UserId};
use domain::order::{AddressRef, Channel, Order, PaymentMethod, PaymentStanding, Status, Totals};
use domain::stock::StockState;
use domain::tables::{Orders, Shelf, Write};
use rusqlite::{Connection, OptionalExtension as _, Result, Row, params};

use crate::error::{Trouble, one_row};
use crate::key::Placed;
use crate::value::{Cells, ms};
use crate::{line, refund, shipment};

/// What [`order_of`] reads and an insert writes.
macro_rules! columns {
    () => {
        "order_id, order_number, channel, user_id, customer_email, cart_id, external_id, hold_id, idempotency_key, status, \
         payment_status, payment_method, payment_id, stock_state, currency, subtotal, discount_amount, tax_amount, shipping_fee, \
         total_amount, shipping_address_id, shipping_address, billing_address_id, billing_address, notes, metadata, tracking_number, \
         shipped_at, delivered_at, cancelled_at, cancellation_reason, expires_at, version, created_at, updated_at, status_before"
    };
}
pub(crate) use columns;

/// An order without its lines, from its [`columns`].
pub(crate) fn order_of(row: &Row<'_>) -> Result<Order> {
    let mut cells = Cells::of(row);
    Ok(Order {
        order_id: cells.id()?,
        number: cells.read(OrderNumber::parse)?,
        channel: cells.word(Channel::ALL, Channel::as_str)?,
        user_id: cells.get::<Option<_>>()?.map(UserId),
        customer_email: cells.get()?,
        cart_id: cells.maybe_id_text()?,
        external_id: cells.get()?,
        hold_id: cells.maybe_id()?,
        idempotency_key: cells.get()?,
        status: cells.read(Status::parse)?,
        payment_standing: cells.word(PaymentStanding::ALL, PaymentStanding::as_str)?,
        payment_method: cells.get::<Option<_>>()?.map(PaymentMethod),
        payment_id: cells.maybe_id()?,
        stock: cells.word(StockState::ALL, StockState::as_str)?,
        currency: cells.currency()?,
        totals: Totals { subtotal: cells.get()?, discount: cells.get()?, tax: cells.get()?, shipping: cells.get()?, total: cells.get()? },
        shipping_address: AddressRef { id: cells.get::<Option<_>>()?.map(AddressId), snapshot: cells.get()? },
        billing_address: AddressRef { id: cells.get::<Option<_>>()?.map(AddressId), snapshot: cells.get()? },
        notes: cells.get()?,
        metadata: cells.get()?,
        tracking_number: cells.get()?,
        shipped_at: cells.maybe_time()?,
        delivered_at: cells.maybe_time()?,
        cancelled_at: cells.maybe_time()?,
        cancellation_reason: cells.get()?,
        expires_at: cells.maybe_time()?,
        version: cells.get()?,
        created_at: cells.time()?,
        updated_at: cells.time()?,
        status_before: cells.maybe_word(Status::ALL, Status::as_str)?,
        lines: Vec::new(),
        shipments: Vec::new(),
        refunds: Vec::new(),
    })
}

/// An order with its lines.
pub(crate) fn find(db: &Connection, order_id: OrderId) -> Result<Option<Order>> {
    let order = db
        .prepare_cached(concat!("select ", columns!(), " from orders where order_id = ?"))?
        .query_row([order_id.0.as_bytes()], order_of)
        .optional()?;
    let Some(mut order) = order else { return Ok(None) };
    order.lines = line::of_order(db, order_id)?;
    order.shipments = shipment::of_order(db, order_id)?;
    order.refunds = refund::ids_of_order(db, order_id)?;
    Ok(Some(order))
}

/// Puts what is there of `keys` onto the shelf.
pub(crate) fn load(db: &Connection, keys: &BTreeSet<OrderId>, seen: &mut Shelf<Orders>) -> Result<()> {
    for &order_id in keys {
        if let Some(order) = find(db, order_id)? {
            seen.found(order_id, Arc::new(order));
        }
    }
    Ok(())
}

/// Writes orders with their lines and the keys that placed them.
pub(crate) fn save(db: &Connection, writes: &BTreeMap<OrderId, Write<Arc<Order>>>, keys: &Placed<'_>) -> Result<(), Trouble> {
    let (new, changed): (Vec<_>, Vec<_>) = writes.values().partition(|write| write.expected == 0);
    new.iter().try_for_each(|write| insert(db, &write.row, keys))?;
    line::insert(db, new.iter().map(|write| &*write.row))?;
    for Write { expected, row: order } in changed {
        update(db, *expected, order)?;
        line::update(db, order)?;
        shipment::save(db, order)?;
    }
    Ok(())
}

fn insert(db: &Connection, order: &Order, keys: &Placed<'_>) -> Result<()> {
    db.prepare_cached(concat!(
        "insert into orders (",
        columns!(),
        ", key_fingerprint, cart_session_id) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    ))?
    .execute(params![
        order.order_id.0.as_bytes(),
        order.number.to_string(),
        order.channel.as_str(),
        order.user_id.as_ref().map(UserId::as_str),
        order.customer_email,
        order.cart_id.map(|id| id.to_string()),
        order.external_id,
        order.hold_id.as_ref().map(|id| id.0.as_bytes()),
        order.idempotency_key,
        order.status.as_str(),
        order.payment_standing.as_str(),
        order.payment_method.as_ref().map(PaymentMethod::as_str),
        order.payment_id.as_ref().map(|id| id.0.as_bytes()),
        order.stock.as_str(),
        order.currency.code(),
        order.totals.subtotal,
        order.totals.discount,
        order.totals.tax,
        order.totals.shipping,
        order.totals.total,
        order.shipping_address.id.as_ref().map(AddressId::as_str),
        order.shipping_address.snapshot,
        order.billing_address.id.as_ref().map(AddressId::as_str),
        order.billing_address.snapshot,
        order.notes,
        order.metadata,
        order.tracking_number,
        ms(order.shipped_at),
        ms(order.delivered_at),
        ms(order.cancelled_at),
        order.cancellation_reason,
        ms(order.expires_at),
        order.version,
        order.created_at.0,
        order.updated_at.0,
        order.status_before.map(Status::as_str),
        keys.of_order(order).map(|row| row.fingerprint.0),
        // Unique: one order a cart, for ever.
        order.cart_id.map(|id| id.to_string())
    ])
    .map(drop)
}

/// All but what names the order for ever: id, number, channel, key, currency and when it was placed.
fn update(db: &Connection, expected: i64, order: &Order) -> Result<(), Trouble> {
    let changed = db
        .prepare_cached(
            "update orders set user_id = ?, customer_email = ?, cart_id = ?, external_id = ?, hold_id = ?, status = ?, payment_status = ?,
                 payment_method = ?, payment_id = ?, stock_state = ?, subtotal = ?, discount_amount = ?, tax_amount = ?, shipping_fee = ?,
                 total_amount = ?, shipping_address_id = ?, shipping_address = ?, billing_address_id = ?, billing_address = ?, notes = ?,
                 metadata = ?, tracking_number = ?, shipped_at = ?, delivered_at = ?, cancelled_at = ?, cancellation_reason = ?,
                 expires_at = ?, version = ?, updated_at = ?, status_before = ?
             where order_id = ? and version = ?",
        )?
        .execute(params![
            order.user_id.as_ref().map(UserId::as_str),
            order.customer_email,
            order.cart_id.map(|id| id.to_string()),
            order.external_id,
            order.hold_id.as_ref().map(|id| id.0.as_bytes()),
            order.status.as_str(),
            order.payment_standing.as_str(),
            order.payment_method.as_ref().map(PaymentMethod::as_str),
            order.payment_id.as_ref().map(|id| id.0.as_bytes()),
            order.stock.as_str(),
            order.totals.subtotal,
            order.totals.discount,
            order.totals.tax,
            order.totals.shipping,
            order.totals.total,
            order.shipping_address.id.as_ref().map(AddressId::as_str),
            order.shipping_address.snapshot,
            order.billing_address.id.as_ref().map(AddressId::as_str),
            order.billing_address.snapshot,
            order.notes,
            order.metadata,
            order.tracking_number,
            ms(order.shipped_at),
            ms(order.delivered_at),
            ms(order.cancelled_at),
            order.cancellation_reason,
            ms(order.expires_at),
            order.version,
            order.updated_at.0,
            order.status_before.map(Status::as_str),
            order.order_id.0.as_bytes(),
            expected
        ])?;
    one_row(changed, "orders")
}
