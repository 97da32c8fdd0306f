//! Lines of orders: table `order_item`. They come with their order and change under its version.

use std::sync::Arc;

use domain::ids::{OrderId, OrderItemId, ProductId, SkuId};
use domain::order::{Line, LineSubject, Order, PriceSnapshot};
use domain::tables::Write;
use engine::{told, wire};
use tokio_postgres::Row;

use crate::error::Failure;
use crate::types::{Column, Fields, Int, Json, Moment, column, named, rows};

/// In the order of the lines. The order's row is read before: lines that are newer than it fail at its version.
pub(crate) const LOAD: &str = "
    select order_id, order_item_id, qty::bigint, unit_price, item_total_amount, shipped_qty::bigint, refunded_qty::bigint,
        session_id, ticket_type_id, sku_id, product_id, product_name, price_snapshot_json::text
    from order_item
    where order_id = any($1)
    order by order_id, line_no";

pub(crate) const INSERT: &str = "
    insert into order_item (order_item_id, order_id, line_no, sku_id, product_id, product_name, session_id, ticket_type_id,
        qty, unit_price, item_total_amount, price_snapshot_json, shipped_qty, refunded_qty, created_at)
    select order_item_id, order_id, line_no, sku_id, product_id, product_name, session_id, ticket_type_id,
        qty, unit_price, item_total_amount, price_snapshot_json, shipped_qty, refunded_qty, created_at
    from unnest($1::order_item[])";

/// What was bought never changes, only what was shipped and refunded of it. Guarded by the order, which is written first.
pub(crate) const UPDATE: &str = "
    update order_item as t
    set shipped_qty = x.shipped_qty, refunded_qty = x.refunded_qty
    from unnest($1::uuid[], $2::bigint[], $3::bigint[]) as x (order_item_id, shipped_qty, refunded_qty)
    where t.order_item_id = any($1) and t.order_item_id = x.order_item_id
        and (t.shipped_qty <> x.shipped_qty or t.refunded_qty <> x.refunded_qty)";

/// A line in its place.
struct Placed<'c> {
    order: &'c Order,
    line_no: i64,
    line: &'c Line,
}

struct SkuOfLine<'c> {
    sku_id: &'c str,
    product_id: &'c str,
    name: &'c str,
    snapshot: &'c PriceSnapshot,
}

impl<'c> Placed<'c> {
    fn sku(&self) -> Option<SkuOfLine<'c>> {
        match &self.line.subject {
            LineSubject::Sku { sku_id, product_id, name, snapshot } => {
                Some(SkuOfLine { sku_id: sku_id.as_str(), product_id: product_id.as_str(), name, snapshot })
            }
            LineSubject::Ticket { .. } => None,
        }
    }

    fn ticket(&self) -> Option<(domain::ids::Uuid, domain::ids::Uuid)> {
        match self.line.subject {
            LineSubject::Ticket { session_id, ticket_type_id } => Some((session_id, ticket_type_id)),
            LineSubject::Sku { .. } => None,
        }
    }
}

pub(crate) fn inserted<'c>(orders: &[&'c Write<Arc<Order>>]) -> Vec<Column<'c>> {
    let lines: Vec<Placed<'c>> = orders
        .iter()
        .flat_map(|write| (1..).zip(&write.row.lines).map(|(line_no, line)| Placed { order: &write.row, line_no, line }))
        .collect();
    rows(vec![
        named("order_item_id", &lines, |row| row.line.order_item_id.0),
        named("order_id", &lines, |row| row.order.order_id.0),
        named("line_no", &lines, |row| Int(row.line_no)),
        named("sku_id", &lines, |row| row.sku().map(|sku| sku.sku_id)),
        named("product_id", &lines, |row| row.sku().map(|sku| sku.product_id)),
        named("product_name", &lines, |row| row.sku().map(|sku| sku.name)),
        named("session_id", &lines, |row| row.ticket().map(|ticket| ticket.0)),
        named("ticket_type_id", &lines, |row| row.ticket().map(|ticket| ticket.1)),
        named("qty", &lines, |row| Int(row.line.qty)),
        named("unit_price", &lines, |row| row.line.unit_price),
        named("item_total_amount", &lines, |row| row.line.total),
        named("price_snapshot_json", &lines, |row| row.sku().map(|sku| Json(wire::price_snapshot(sku.snapshot, row.order.currency)))),
        named("shipped_qty", &lines, |row| Int(row.line.shipped_qty)),
        named("refunded_qty", &lines, |row| Int(row.line.refunded_qty)),
        named("created_at", &lines, |row| Moment(row.order.created_at)),
    ])
}

/// Lines of which something has left or come back. Neither count ever falls: of the others there is nothing to write.
pub(crate) fn moved<'c>(orders: &[&'c Write<Arc<Order>>]) -> Vec<&'c Line> {
    let lines = orders.iter().flat_map(|write| &write.row.lines);
    lines.filter(|line| line.shipped_qty != 0 || line.refunded_qty != 0).collect()
}

pub(crate) fn updated<'c>(rows: &[&'c Line]) -> Vec<Column<'c>> {
    vec![column(rows, |line| line.order_item_id.0), column(rows, |line| line.shipped_qty), column(rows, |line| line.refunded_qty)]
}

/// The line, and whose it is.
pub(crate) fn read(row: &Row) -> Result<(OrderId, Line), Failure> {
    let mut row = Fields::of(row);
    let order_id = OrderId(row.take()?);
    let order_item_id = OrderItemId(row.take()?);
    let (qty, unit_price, total) = (row.take()?, row.take()?, row.take()?);
    let (shipped_qty, refunded_qty) = (row.take()?, row.take()?);
    let (session_id, ticket_type_id) = (row.take::<Option<_>>()?, row.take::<Option<_>>()?);
    let subject = match (session_id, ticket_type_id) {
        (Some(session_id), Some(ticket_type_id)) => LineSubject::Ticket { session_id, ticket_type_id },
        _ => LineSubject::Sku {
            sku_id: SkuId(row.text()?),
            product_id: ProductId(row.text()?),
            name: row.text()?,
            snapshot: {
                // Read here: PostgreSQL would go through the text once for each of its fields.
                let stored = row.take::<&str>()?;
                told::price_snapshot(stored).ok_or_else(|| row.unreadable(stored))?
            },
        },
    };
    Ok((order_id, Line { order_item_id, subject, qty, unit_price, total, shipped_qty, refunded_qty }))
}
