//! Table `order_item`: the lines of orders, frozen when the order is placed.

use domain::ids::{OrderId, ProductId, SkuId};
use domain::money::Currency;
use domain::order::{Line, LineSubject, Order, PriceSnapshot};
use rusqlite::{Connection, Result, Row, params};

use crate::error::{Trouble, one_row};
use crate::rows::Insert;
use crate::value::Cells;

/// What [`line_of`] reads. The numbers of a snapshot are taken as text: no float is made of them.
macro_rules! columns {
    () => {
        "order_id, order_item_id, sku_id, product_id, product_name, session_id, ticket_type_id, qty, unit_price, item_total_amount, \
         shipped_qty, refunded_qty, unhex(price_snapshot_json ->> '$.offer_id', '-'), price_snapshot_json -> '$.unit_price', \
         unixepoch(price_snapshot_json ->> '$.captured_at') * 1000 + cast(substr(price_snapshot_json ->> '$.captured_at', 21, 3) as integer), \
         price_snapshot_json ->> '$.title', price_snapshot_json ->> '$.author'"
    };
}
pub(crate) use columns;

/// A line and whose it is, from its [`columns`].
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

/// The lines of an order.
pub(crate) fn of_order(db: &Connection, order_id: OrderId) -> Result<Vec<Line>> {
    db.prepare_cached(concat!("select ", columns!(), " from order_item where order_id = ? order by line_no"))?
        .query_map([order_id.0.as_bytes()], |row| line_of(row).map(|(_, line)| line))?
        .collect()
}

static INSERT: Insert = Insert::new(
    "order_item
         (order_item_id, order_id, line_no, sku_id, product_id, product_name, session_id, ticket_type_id, qty, unit_price,
          item_total_amount, price_snapshot_json, shipped_qty, refunded_qty, created_at)",
    15,
);

/// Writes the lines of new orders.
pub(crate) fn insert<'o>(db: &Connection, orders: impl Iterator<Item = &'o Order>) -> Result<()> {
    let lines_of = |order: &'o Order| (1_i64..).zip(&order.lines).map(move |(line_no, line)| (order, line_no, line));
    let lines: Vec<_> = orders.flat_map(lines_of).collect();
    INSERT.rows(db, &lines, |&(order, line_no, line), row| {
        let subject = Subject::of(&line.subject, order.currency);
        row.next(line.order_item_id.0.as_bytes())?;
        row.next(order.order_id.0.as_bytes())?;
        row.next(line_no)?;
        row.next(subject.sku_id)?;
        row.next(subject.product_id)?;
        row.next(subject.product_name)?;
        row.next(subject.session_id)?;
        row.next(subject.ticket_type_id)?;
        row.next(line.qty)?;
        row.next(line.unit_price)?;
        row.next(line.total)?;
        row.next(subject.price_snapshot)?;
        row.next(line.shipped_qty)?;
        row.next(line.refunded_qty)?;
        row.next(order.created_at.0)
    })
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
pub(crate) fn update(db: &Connection, order: &Order) -> Result<(), Trouble> {
    let mut update =
        db.prepare_cached("update order_item set shipped_qty = ?, refunded_qty = ? where order_item_id = ? and order_id = ?")?;
    for line in &order.lines {
        let ids = (line.order_item_id.0.as_bytes(), order.order_id.0.as_bytes());
        one_row(update.execute(params![line.shipped_qty, line.refunded_qty, ids.0, ids.1])?, "order_item")?;
    }
    Ok(())
}
