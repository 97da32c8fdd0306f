//! Tables `orders` and `order_item`: an order and its lines change together, under the order's version.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::ids::{AddressId, CartId, OrderId, OrderNumber, ProductId, SkuId, UserId};
use domain::money::Currency;
use domain::order::{AddressRef, Channel, Line, LineSubject, Order, PaymentMethod, PaymentStanding, PriceSnapshot, Status, Totals};
use domain::stock::StockState;
use domain::tables::{Orders, Shelf, Write};
use rusqlite::{Connection, OptionalExtension as _, Result, Row, params};

use crate::error::{Trouble, one_row};
use crate::value::{Cells, ms};

/// What [`order_of`] reads and an insert writes.
macro_rules! columns {
    () => {
        "order_id, order_number, channel, user_id, customer_email, cart_id, external_id, hold_id, idempotency_key, status, \
         payment_status, payment_method, payment_id, stock_state, currency, subtotal, discount_amount, tax_amount, shipping_fee, \
         total_amount, shipping_address_id, shipping_address, billing_address_id, billing_address, notes, metadata, tracking_number, \
         shipped_at, delivered_at, cancelled_at, cancellation_reason, expires_at, version, created_at, updated_at"
    };
}
pub(crate) use columns;

/// What [`line_of`] reads. The numbers of a snapshot are taken as text: no float is made of them.
macro_rules! line_columns {
    () => {
        "order_id, order_item_id, sku_id, product_id, product_name, session_id, ticket_type_id, qty, unit_price, item_total_amount, \
         shipped_qty, refunded_qty, unhex(price_snapshot_json ->> '$.offer_id', '-'), price_snapshot_json -> '$.unit_price', \
         unixepoch(price_snapshot_json ->> '$.captured_at') * 1000 + cast(substr(price_snapshot_json ->> '$.captured_at', 21, 3) as integer), \
         price_snapshot_json ->> '$.title', price_snapshot_json ->> '$.author'"
    };
}
pub(crate) use line_columns;

/// An order without its lines, from its [`columns`].
pub(crate) fn order_of(row: &Row<'_>) -> Result<Order> {
    let mut cells = Cells::of(row);
    Ok(Order {
        order_id: cells.id()?,
        number: cells.read(OrderNumber::parse)?,
        channel: cells.word(Channel::ALL, Channel::as_str)?,
        user_id: cells.get::<Option<_>>()?.map(UserId),
        customer_email: cells.get()?,
        cart_id: cells.get::<Option<_>>()?.map(CartId),
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
        lines: Vec::new(),
    })
}

/// A line and whose it is, from its [`line_columns`].
pub(crate) fn line_of(row: &Row<'_>) -> Result<(OrderId, Line)> {
    let mut cells = Cells::of(row);
    let order_id = cells.id()?;
    let order_item_id = cells.id()?;
    let sku = (cells.get::<Option<_>>()?, cells.get::<Option<_>>()?, cells.get::<Option<_>>()?);
    let ticket = (cells.maybe_id()?, cells.maybe_id()?);
    let (qty, unit_price, total) = (cells.get()?, cells.get()?, cells.get()?);
    let (shipped_qty, refunded_qty) = (cells.get()?, cells.get()?);
    let subject = match (sku, ticket) {
        ((Some(sku_id), Some(product_id), Some(name)), (None, None)) => LineSubject::Sku {
            sku_id: SkuId(sku_id),
            product_id: ProductId(product_id),
            name,
            snapshot: PriceSnapshot {
                offer_id: cells.id()?,
                unit_price: cells.read(minor_units)?,
                captured_at: cells.time()?,
                title: cells.get()?,
                author: cells.get()?,
            },
        },
        ((None, ..), (Some(session_id), Some(ticket_type_id))) => LineSubject::Ticket { session_id, ticket_type_id },
        _ => return Err(cells.broken("a line is for a SKU with product and name, or for a ticket of a session")),
    };
    Ok((order_id, Line { order_item_id, subject, qty, unit_price, total, shipped_qty, refunded_qty }))
}

/// `19.99` as 1999: a stored amount has exactly its currency's decimals.
fn minor_units(amount: &str) -> Option<i64> {
    match amount.split_once('.') {
        Some((whole, decimals)) => [whole, decimals].concat().parse().ok(),
        None => amount.parse().ok(),
    }
}

/// An order with its lines.
pub(crate) fn find(db: &Connection, order_id: OrderId) -> Result<Option<Order>> {
    let order = db
        .prepare_cached(concat!("select ", columns!(), " from orders where order_id = ?"))?
        .query_row([order_id.0.as_bytes()], order_of)
        .optional()?;
    let Some(mut order) = order else { return Ok(None) };
    order.lines = db
        .prepare_cached(concat!("select ", line_columns!(), " from order_item where order_id = ? order by line_no"))?
        .query_map([order_id.0.as_bytes()], |row| line_of(row).map(|(_, line)| line))?
        .collect::<Result<_>>()?;
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

/// Writes orders with their lines.
pub(crate) fn save(db: &Connection, writes: &BTreeMap<OrderId, Write<Arc<Order>>>) -> Result<(), Trouble> {
    for Write { expected, row: order } in writes.values() {
        if *expected == 0 {
            insert(db, order)?;
            insert_lines(db, order)?;
        } else {
            update(db, *expected, order)?;
            update_lines(db, order)?;
        }
    }
    Ok(())
}

fn insert(db: &Connection, order: &Order) -> Result<()> {
    db.prepare_cached(concat!(
        "insert into orders (",
        columns!(),
        ") values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    ))?
    .execute(params![
        order.order_id.0.as_bytes(),
        order.number.to_string(),
        order.channel.as_str(),
        order.user_id.as_ref().map(UserId::as_str),
        order.customer_email,
        order.cart_id.as_ref().map(CartId::as_str),
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
        order.updated_at.0
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
                 expires_at = ?, version = ?, updated_at = ?
             where order_id = ? and version = ?",
        )?
        .execute(params![
            order.user_id.as_ref().map(UserId::as_str),
            order.customer_email,
            order.cart_id.as_ref().map(CartId::as_str),
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
            order.order_id.0.as_bytes(),
            expected
        ])?;
    one_row(changed, "orders")
}

fn insert_lines(db: &Connection, order: &Order) -> Result<()> {
    let mut insert = db.prepare_cached(
        "insert into order_item
             (order_item_id, order_id, line_no, sku_id, product_id, product_name, session_id, ticket_type_id, qty, unit_price,
              item_total_amount, price_snapshot_json, shipped_qty, refunded_qty, created_at)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?;
    for (line_no, line) in (1_i64..).zip(&order.lines) {
        let subject = Subject::of(&line.subject, order.currency);
        insert.execute(params![
            line.order_item_id.0.as_bytes(),
            order.order_id.0.as_bytes(),
            line_no,
            subject.sku_id,
            subject.product_id,
            subject.product_name,
            subject.session_id,
            subject.ticket_type_id,
            line.qty,
            line.unit_price,
            line.total,
            subject.price_snapshot,
            line.shipped_qty,
            line.refunded_qty,
            order.created_at.0
        ])?;
    }
    Ok(())
}

/// What a line sells, as columns.
#[derive(Default)]
struct Subject<'a> {
    sku_id: Option<&'a str>,
    product_id: Option<&'a str>,
    product_name: Option<&'a str>,
    session_id: Option<&'a [u8; 16]>,
    ticket_type_id: Option<&'a [u8; 16]>,
    price_snapshot: Option<String>,
}

impl<'a> Subject<'a> {
    fn of(subject: &'a LineSubject, currency: Currency) -> Self {
        match subject {
            LineSubject::Sku { sku_id, product_id, name, snapshot } => Self {
                sku_id: Some(sku_id.as_str()),
                product_id: Some(product_id.as_str()),
                product_name: Some(name),
                price_snapshot: Some(engine::wire::price_snapshot(snapshot, currency)),
                ..Self::default()
            },
            LineSubject::Ticket { session_id, ticket_type_id } => {
                Self { session_id: Some(session_id.as_bytes()), ticket_type_id: Some(ticket_type_id.as_bytes()), ..Self::default() }
            }
        }
    }
}

/// Lines are frozen when the order is placed; what left and what came back is counted on them.
fn update_lines(db: &Connection, order: &Order) -> Result<(), Trouble> {
    let mut update =
        db.prepare_cached("update order_item set shipped_qty = ?, refunded_qty = ? where order_item_id = ? and order_id = ?")?;
    for line in &order.lines {
        let ids = (line.order_item_id.0.as_bytes(), order.order_id.0.as_bytes());
        one_row(update.execute(params![line.shipped_qty, line.refunded_qty, ids.0, ids.1])?, "order_item")?;
    }
    Ok(())
}
