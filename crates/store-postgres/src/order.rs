//! Orders: table `orders`. Their lines have a file of their own.

use std::collections::HashMap;
use std::sync::Arc;

use domain::ids::{AddressId, CartId, HoldId, OrderId, OrderNumber, PaymentId, UserId};
use domain::order::{AddressRef, Channel, Line, Order, PaymentMethod, PaymentStanding, Status, Totals};
use domain::stock::StockState;
use domain::tables::Write;
use tokio_postgres::Row;

use crate::error::Failure;
use crate::types::{Column, Fields, Json, Moment, column, named, rows};
use crate::{line, refund, shipment};

/// What [`read`] reads, of a table called `o`.
macro_rules! columns {
    () => {
        "o.order_id, o.order_number, o.channel, o.user_id, o.customer_email, o.cart_id, o.external_id, o.hold_id, o.idempotency_key,
        o.status, o.payment_status, o.payment_method, o.payment_id, o.stock_state, o.currency,
        o.subtotal, o.discount_amount, o.tax_amount, o.shipping_fee, o.total_amount,
        o.shipping_address_id, o.shipping_address::text, o.billing_address_id, o.billing_address::text, o.notes, o.metadata::text,
        o.tracking_number, o.shipped_at, o.delivered_at, o.cancelled_at, o.cancellation_reason, o.expires_at,
        o.version, o.created_at, o.updated_at, o.status_before"
    };
}

/// What [`read`] reads, of a table called `o`.
pub(crate) const COLUMNS: &str = columns!();

pub(crate) const LOAD: &str = concat!("select ", columns!(), " from orders o where o.order_id = any($1)");

/// One order, for a caller who is confined to the orders of `$2`, or to none.
pub(crate) const OF_CALLER: &str =
    concat!("select ", columns!(), " from orders o where o.order_id = $1 and ($2::text is null or o.user_id = $2)");

/// Whether there is an order, for a caller as in [`OF_CALLER`].
pub(crate) const IS_OF_CALLER: &str = "select 1 from orders where order_id = $1 and ($2::text is null or user_id = $2)";

/// Unpaid orders whose time has passed at `$1`, and whose payment no provider has still to decide.
pub(crate) const OVERDUE: &str = "
    select o.order_id
    from orders o
    where o.expires_at <= $1 and o.status in ('CREATED', 'PAYMENT_PENDING')
        and not exists (
            select 1 from payment p
            where p.payment_id = o.payment_id and p.status in ('INITIATED', 'AUTHORIZED', 'UNKNOWN') and p.next_check_at is not null)
    order by o.expires_at, o.order_id
    limit $2";

macro_rules! inserted_columns {
    () => {
        "order_id, order_number, channel, user_id, customer_email, cart_id, cart_session_id, external_id, hold_id, idempotency_key,
        status, payment_status, payment_method, payment_id, stock_state, currency,
        subtotal, discount_amount, tax_amount, shipping_fee, total_amount,
        shipping_address_id, shipping_address, billing_address_id, billing_address, notes, metadata,
        tracking_number, shipped_at, delivered_at, cancelled_at, cancellation_reason, expires_at, version, created_at, updated_at, status_before"
    };
}

pub(crate) const INSERT: &str =
    concat!("insert into orders (", inserted_columns!(), ") select ", inserted_columns!(), " from unnest($1::orders[])");

/// Everything may change but the order's name, number, channel and age.
pub(crate) const UPDATE: &str = "
    with changed as (
        update orders as t
        set user_id = x.user_id, customer_email = x.customer_email, cart_id = x.cart_id, external_id = x.external_id,
            hold_id = x.hold_id, idempotency_key = x.idempotency_key,
            status = x.status, payment_status = x.payment_status, payment_method = x.payment_method, payment_id = x.payment_id,
            stock_state = x.stock_state, currency = x.currency,
            subtotal = x.subtotal, discount_amount = x.discount_amount, tax_amount = x.tax_amount,
            shipping_fee = x.shipping_fee, total_amount = x.total_amount,
            shipping_address_id = x.shipping_address_id, shipping_address = x.shipping_address::jsonb,
            billing_address_id = x.billing_address_id, billing_address = x.billing_address::jsonb,
            notes = x.notes, metadata = x.metadata::jsonb,
            tracking_number = x.tracking_number, shipped_at = x.shipped_at, delivered_at = x.delivered_at,
            cancelled_at = x.cancelled_at, cancellation_reason = x.cancellation_reason, expires_at = x.expires_at,
            version = x.version, updated_at = x.updated_at, status_before = x.status_before
        from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::uuid[], $7::text[],
                $8::text[], $9::text[], $10::text[], $11::uuid[], $12::text[], $13::text[],
                $14::bigint[], $15::bigint[], $16::bigint[], $17::bigint[], $18::bigint[],
                $19::text[], $20::text[], $21::text[], $22::text[], $23::text[], $24::text[],
                $25::text[], $26::timestamptz[], $27::timestamptz[], $28::timestamptz[], $29::text[], $30::timestamptz[], $31::bigint[],
                $32::timestamptz[], $33::bigint[], $34::text[])
            as x (order_id, user_id, customer_email, cart_id, external_id, hold_id, idempotency_key,
                status, payment_status, payment_method, payment_id, stock_state, currency,
                subtotal, discount_amount, tax_amount, shipping_fee, total_amount,
                shipping_address_id, shipping_address, billing_address_id, billing_address, notes, metadata,
                tracking_number, shipped_at, delivered_at, cancelled_at, cancellation_reason, expires_at, version, updated_at,
                expected, status_before)
        where t.order_id = any($1) and t.order_id = x.order_id and t.version = x.expected
        returning 1)
    select ordo_expect('orders', (select count(*) from changed), cardinality($1))";

pub(crate) fn inserted<'c>(orders: &[&'c Write<Arc<Order>>]) -> Vec<Column<'c>> {
    rows(vec![
        named("order_id", orders, |write| write.row.order_id.0),
        named("user_id", orders, |write| write.row.user_id.as_ref().map(UserId::as_str)),
        named("customer_email", orders, |write| write.row.customer_email.as_deref()),
        named("cart_id", orders, |write| write.row.cart_id.map(|id| id.to_string())),
        // Unique: one order a cart, for ever.
        named("cart_session_id", orders, |write| write.row.cart_id.map(|id| id.to_string())),
        named("external_id", orders, |write| write.row.external_id.as_deref()),
        named("hold_id", orders, |write| write.row.hold_id.map(|id| id.0)),
        named("idempotency_key", orders, |write| write.row.idempotency_key.as_deref()),
        named("status", orders, |write| write.row.status.as_str()),
        named("payment_status", orders, |write| write.row.payment_standing.as_str()),
        named("payment_method", orders, |write| write.row.payment_method.as_ref().map(PaymentMethod::as_str)),
        named("payment_id", orders, |write| write.row.payment_id.map(|id| id.0)),
        named("stock_state", orders, |write| write.row.stock.as_str()),
        named("currency", orders, |write| write.row.currency.code()),
        named("subtotal", orders, |write| write.row.totals.subtotal),
        named("discount_amount", orders, |write| write.row.totals.discount),
        named("tax_amount", orders, |write| write.row.totals.tax),
        named("shipping_fee", orders, |write| write.row.totals.shipping),
        named("total_amount", orders, |write| write.row.totals.total),
        named("shipping_address_id", orders, |write| write.row.shipping_address.id.as_ref().map(AddressId::as_str)),
        named("shipping_address", orders, |write| write.row.shipping_address.snapshot.as_deref().map(Json)),
        named("billing_address_id", orders, |write| write.row.billing_address.id.as_ref().map(AddressId::as_str)),
        named("billing_address", orders, |write| write.row.billing_address.snapshot.as_deref().map(Json)),
        named("notes", orders, |write| write.row.notes.as_deref()),
        named("metadata", orders, |write| Json(&*write.row.metadata)),
        named("tracking_number", orders, |write| write.row.tracking_number.as_deref()),
        named("shipped_at", orders, |write| write.row.shipped_at.map(Moment)),
        named("delivered_at", orders, |write| write.row.delivered_at.map(Moment)),
        named("cancelled_at", orders, |write| write.row.cancelled_at.map(Moment)),
        named("cancellation_reason", orders, |write| write.row.cancellation_reason.as_deref()),
        named("expires_at", orders, |write| write.row.expires_at.map(Moment)),
        named("version", orders, |write| write.row.version),
        named("updated_at", orders, |write| Moment(write.row.updated_at)),
        named("status_before", orders, |write| write.row.status_before.map(Status::as_str)),
        named("order_number", orders, |write| write.row.number.to_string()),
        named("channel", orders, |write| write.row.channel.as_str()),
        named("created_at", orders, |write| Moment(write.row.created_at)),
    ])
}

pub(crate) fn updated<'c>(rows: &[&'c Write<Arc<Order>>]) -> Vec<Column<'c>> {
    vec![
        column(rows, |write| write.row.order_id.0),
        column(rows, |write| write.row.user_id.as_ref().map(UserId::as_str)),
        column(rows, |write| write.row.customer_email.as_deref()),
        column(rows, |write| write.row.cart_id.map(|id| id.to_string())),
        column(rows, |write| write.row.external_id.as_deref()),
        column(rows, |write| write.row.hold_id.map(|id| id.0)),
        column(rows, |write| write.row.idempotency_key.as_deref()),
        column(rows, |write| write.row.status.as_str()),
        column(rows, |write| write.row.payment_standing.as_str()),
        column(rows, |write| write.row.payment_method.as_ref().map(PaymentMethod::as_str)),
        column(rows, |write| write.row.payment_id.map(|id| id.0)),
        column(rows, |write| write.row.stock.as_str()),
        column(rows, |write| write.row.currency.code()),
        column(rows, |write| write.row.totals.subtotal),
        column(rows, |write| write.row.totals.discount),
        column(rows, |write| write.row.totals.tax),
        column(rows, |write| write.row.totals.shipping),
        column(rows, |write| write.row.totals.total),
        column(rows, |write| write.row.shipping_address.id.as_ref().map(AddressId::as_str)),
        column(rows, |write| write.row.shipping_address.snapshot.as_deref()),
        column(rows, |write| write.row.billing_address.id.as_ref().map(AddressId::as_str)),
        column(rows, |write| write.row.billing_address.snapshot.as_deref()),
        column(rows, |write| write.row.notes.as_deref()),
        column(rows, |write| &*write.row.metadata),
        column(rows, |write| write.row.tracking_number.as_deref()),
        column(rows, |write| write.row.shipped_at.map(Moment)),
        column(rows, |write| write.row.delivered_at.map(Moment)),
        column(rows, |write| write.row.cancelled_at.map(Moment)),
        column(rows, |write| write.row.cancellation_reason.as_deref()),
        column(rows, |write| write.row.expires_at.map(Moment)),
        column(rows, |write| write.row.version),
        column(rows, |write| Moment(write.row.updated_at)),
        column(rows, |write| write.expected),
        column(rows, |write| write.row.status_before.map(Status::as_str)),
    ]
}

/// The order, without its lines.
pub(crate) fn read(row: &Row) -> Result<Order, Failure> {
    let mut row = Fields::of(row);
    Ok(Order {
        order_id: OrderId(row.take()?),
        number: {
            let number = row.take::<&str>()?;
            OrderNumber::parse(number).ok_or_else(|| row.unreadable(number))?
        },
        channel: row.word(Channel::ALL, Channel::as_str)?,
        user_id: row.text_or_none()?,
        customer_email: row.text_or_none()?,
        cart_id: row.uuid_text_or_none()?.map(CartId),
        external_id: row.text_or_none()?,
        hold_id: row.take::<Option<_>>()?.map(HoldId),
        idempotency_key: row.text_or_none()?,
        status: row.word(Status::ALL, Status::as_str)?,
        payment_standing: row.word(PaymentStanding::ALL, PaymentStanding::as_str)?,
        payment_method: row.text_or_none()?,
        payment_id: row.take::<Option<_>>()?.map(PaymentId),
        stock: row.word(StockState::ALL, StockState::as_str)?,
        currency: row.currency()?,
        totals: Totals { subtotal: row.take()?, discount: row.take()?, tax: row.take()?, shipping: row.take()?, total: row.take()? },
        shipping_address: AddressRef { id: row.text_or_none()?, snapshot: row.text_or_none()? },
        billing_address: AddressRef { id: row.text_or_none()?, snapshot: row.text_or_none()? },
        notes: row.text_or_none()?,
        metadata: row.text()?,
        tracking_number: row.text_or_none()?,
        shipped_at: row.time_or_none()?,
        delivered_at: row.time_or_none()?,
        cancelled_at: row.time_or_none()?,
        cancellation_reason: row.text_or_none()?,
        expires_at: row.time_or_none()?,
        version: row.take()?,
        created_at: row.time()?,
        updated_at: row.time()?,
        status_before: row.word_or_none(Status::ALL, Status::as_str)?,
        lines: Vec::new(),
        shipments: Vec::new(),
        refunds: Vec::new(),
    })
}

/// The orders, each given its lines, shipments and the names of its refunds.
pub(crate) fn whole(mut orders: Vec<Order>, lines: &[Row], shipments: &[Row], refund_ids: &[Row]) -> Result<Vec<Order>, Failure> {
    let mut of_order = HashMap::<OrderId, Vec<Line>>::new();
    for row in lines {
        let (order_id, line) = line::read(row)?;
        of_order.entry(order_id).or_default().push(line);
    }
    let mut shipments = shipment::read(shipments)?;
    let mut refunds = refund::ids(refund_ids)?;
    for order in &mut orders {
        order.shipments = shipments.remove(&order.order_id).unwrap_or_default();
        order.refunds = refunds.remove(&order.order_id).unwrap_or_default();
        order.lines = of_order.remove(&order.order_id).unwrap_or_default();
    }
    Ok(orders)
}
