//! Reads of orders, their histories and their payments, each with the owner in its WHERE.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::command::OrderAnswer;
use domain::ids::{OrderId, PaymentId, RefundId, Uuid};
use domain::order::{Line, Order, Status};
use domain::payment::Payment;
use domain::refund::Refund;
use domain::time::Time;
use engine::port::{OrderFilter, Page, RecordedEvent};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, Result, params, params_from_iter};

use super::list;
use crate::line::line_of;
use crate::order::{columns, order_of};
use crate::payment::payment_of;
use crate::refund::refund_of;
use crate::value::Cells;

/// One order.
pub(super) fn one(db: &Connection, own: Option<&str>, order_id: OrderId) -> Result<Option<OrderAnswer>> {
    let order = db
        .prepare_cached(concat!("select ", columns!(), " from orders where order_id = ?1 and (?2 is null or user_id = ?2)"))?
        .query_row(params![order_id.0.as_bytes(), own], order_of)
        .optional()?;
    Ok(with_details(db, order.into_iter().collect())?.pop())
}

/// Orders, the newest first, or by change.
pub(super) fn page(db: &Connection, own: Option<&str>, filter: &OrderFilter, page: Page<(Time, Uuid)>) -> Result<Vec<OrderAnswer>> {
    let narrow = own.is_some() || filter.user_id.is_some() || filter.number.is_some() || filter.email.is_some();
    let mut orders = if narrow || filter.statuses.is_empty() || filter.is_by_change() {
        Listing::of(own, filter, &filter.statuses, page).run(db)?
    } else {
        // Status by status, each by its own index: a rare status is not looked for among all orders.
        let mut orders = Vec::new();
        for status in &filter.statuses {
            orders.extend(Listing::of(own, filter, std::slice::from_ref(status), page).run(db)?);
        }
        orders.sort_by_key(|order| std::cmp::Reverse((order.created_at, order.order_id)));
        orders.dedup_by_key(|order| order.order_id);
        orders
    };
    orders.truncate(usize::try_from(page.limit).unwrap_or(usize::MAX));
    with_details(db, orders)
}

/// One statement of a list: fixed text, bound values.
struct Listing {
    sql: String,
    values: Vec<Value>,
}

impl Listing {
    fn of(own: Option<&str>, filter: &OrderFilter, statuses: &[Status], page: Page<(Time, Uuid)>) -> Self {
        // Named, since SQLite guesses: any other choice sorts or scans the table.
        let index = if filter.number.is_some() {
            "orders_number"
        } else if own.is_some() || filter.user_id.is_some() {
            "orders_user"
        } else if filter.email.is_some() {
            "orders_email"
        } else if filter.is_by_change() {
            "orders_updated"
        } else if statuses.len() == 1 {
            "orders_status"
        } else {
            "orders_created"
        };
        let mut listing = Self { sql: concat!("select ", columns!(), " from orders indexed by ").to_owned(), values: Vec::new() };
        listing.sql.push_str(index);
        listing.sql.push_str(" where true");
        listing.and(" and user_id = ?", own.map(|own| own.to_owned().into()));
        listing.and(" and user_id = ?", filter.user_id.as_ref().map(|user_id| user_id.as_str().to_owned().into()));
        listing.and(" and order_number = ?", filter.number.map(|number| number.to_string().into()));
        listing.and(" and customer_email = ?", filter.email.as_ref().map(|email| email.to_string().into()));
        match statuses {
            [] => {}
            [status] => listing.and(" and status = ?", Some(status.as_str().to_owned().into())),
            several => {
                let words = list(several.iter().map(|status| status.as_str()));
                listing.and(" and status in (select value from json_each(?))", Some(words.into()));
            }
        }
        listing.and(" and created_at >= ?", filter.from.map(|from| from.0.into()));
        listing.and(" and created_at < ?", filter.to.map(|to| to.0.into()));
        listing.and(" and updated_at >= ?", filter.updated_from.map(|from| from.0.into()));
        listing.and(" and updated_at < ?", filter.updated_to.map(|to| to.0.into()));
        let (after, sorted) = if filter.is_by_change() {
            (" and (updated_at, order_id) > (?", " order by updated_at, order_id limit ?")
        } else {
            (" and (created_at, order_id) < (?", " order by created_at desc, order_id desc limit ?")
        };
        if let Some((at, order_id)) = page.after {
            listing.and(after, Some(at.0.into()));
            listing.and(", ?)", Some(order_id.as_bytes().to_vec().into()));
        }
        listing.and(sorted, Some(i64::from(page.limit).into()));
        listing
    }

    fn and(&mut self, clause: &'static str, value: Option<Value>) {
        if let Some(value) = value {
            self.sql.push_str(clause);
            self.values.push(value);
        }
    }

    fn run(self, db: &Connection) -> Result<Vec<Order>> {
        db.prepare_cached(&self.sql)?.query_map(params_from_iter(self.values), order_of)?.collect()
    }
}

/// Orders with their lines and latest payments: one statement each.
fn with_details(db: &Connection, orders: Vec<Order>) -> Result<Vec<OrderAnswer>> {
    if orders.is_empty() {
        return Ok(Vec::new());
    }
    let mut lines = lines(db, &orders)?;
    let payments = payments(db, &orders)?;
    let answers = orders.into_iter().map(|mut order| {
        order.lines = lines.remove(&order.order_id).unwrap_or_default();
        order.shipments = crate::shipment::of_order(db, order.order_id)?;
        let refunds = crate::refund::of_order(db, order.order_id)?;
        order.refunds = refunds.iter().map(|refund| refund.refund_id).collect();
        let payment = order.payment_id.and_then(|payment_id| payments.get(&payment_id).cloned());
        Ok(OrderAnswer::now(Arc::new(order), payment, refunds))
    });
    answers.collect()
}

fn lines(db: &Connection, orders: &[Order]) -> Result<BTreeMap<OrderId, Vec<Line>>> {
    let mut lines = BTreeMap::<OrderId, Vec<Line>>::new();
    let mut select = db.prepare_cached(concat!(
        "select ",
        crate::line::columns!(),
        " from order_item where order_id in (select unhex(value, '-') from json_each(?)) order by order_id, line_no"
    ))?;
    for line in select.query_map([list(orders.iter().map(|order| order.order_id))], line_of)? {
        let (order_id, line) = line?;
        lines.entry(order_id).or_default().push(line);
    }
    Ok(lines)
}

fn payments(db: &Connection, orders: &[Order]) -> Result<BTreeMap<PaymentId, Arc<Payment>>> {
    let mut select = db.prepare_cached(concat!(
        "select ",
        crate::payment::columns!(),
        " from payment where payment_id in (select unhex(value, '-') from json_each(?))"
    ))?;
    select
        .query_map([list(orders.iter().filter_map(|order| order.payment_id))], payment_of)?
        .map(|payment| payment.map(|payment| (payment.payment_id, payment)))
        .collect()
}

/// The history of an order, the oldest first.
pub(super) fn events(db: &Connection, own: Option<&str>, order_id: OrderId, page: Page<i64>) -> Result<Option<Vec<RecordedEvent>>> {
    let visible = db
        .prepare_cached("select 1 from orders where order_id = ?1 and (?2 is null or user_id = ?2)")?
        .exists(params![order_id.0.as_bytes(), own])?;
    if !visible {
        return Ok(None);
    }
    db.prepare_cached(
        "select order_event_id, sequence, event_type, from_status, to_status, payload_json, notes, coalesce(changed_by, ''),
             coalesce(request_id, ''), created_at
         from order_event where order_id = ? and sequence > ? order by sequence limit ?",
    )?
    .query_map(params![order_id.0.as_bytes(), page.after.unwrap_or(0), page.limit], |row| {
        let mut cells = Cells::of(row);
        Ok(RecordedEvent {
            order_event_id: cells.id()?,
            sequence: cells.get()?,
            event_type: cells.get()?,
            from: cells.get()?,
            to: cells.get()?,
            payload: cells.get()?,
            notes: cells.get()?,
            changed_by: cells.get()?,
            request_id: cells.get()?,
            created_at: cells.time()?,
        })
    })?
    .collect::<Result<_>>()
    .map(Some)
}

/// A refund, seen by whoever sees its order.
pub(super) fn refund(db: &Connection, own: Option<&str>, refund_id: RefundId) -> Result<Option<Arc<Refund>>> {
    db.prepare_cached(concat!(
        "select ",
        crate::refund::columns!(),
        " from refund where refund_id = ?1 and (?2 is null or exists (
              select 1 from orders where orders.order_id = refund.order_id and orders.user_id = ?2))"
    ))?
    .query_row(params![refund_id.0.as_bytes(), own], refund_of)
    .optional()
}

/// A payment, seen by whoever sees its order.
pub(super) fn payment(db: &Connection, own: Option<&str>, payment_id: PaymentId) -> Result<Option<Arc<Payment>>> {
    db.prepare_cached(concat!(
        "select ",
        crate::payment::columns!(),
        " from payment where payment_id = ?1 and (?2 is null or exists (
              select 1 from orders where orders.order_id = payment.order_id and orders.user_id = ?2))"
    ))?
    .query_row(params![payment_id.0.as_bytes(), own], payment_of)
    .optional()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_list_scans_or_sorts_all_orders() {
        let db = Connection::open_in_memory().unwrap();
        for migration in crate::migrate::KNOWN.0 {
            db.execute_batch(migration.sql).unwrap();
        }
        let page = |after| Page { after, limit: 20 };
        let any = OrderFilter::default;
        for (own, filter, index) in [
            (None, any(), "orders_created"),
            (Some("ada"), any(), "orders_user"),
            (None, OrderFilter { user_id: Some("ada".into()), statuses: vec![Status::Paid, Status::Created], ..any() }, "orders_user"),
            (None, OrderFilter { statuses: vec![Status::Paid], ..any() }, "orders_status"),
            (None, OrderFilter { from: Some(Time(1)), to: Some(Time(2)), ..any() }, "orders_created"),
            (None, OrderFilter { number: domain::ids::OrderNumber::parse("ORD-2026-00001"), ..any() }, "orders_number"),
            (None, OrderFilter { email: Some("ada@example.org".into()), ..any() }, "orders_email"),
            (None, OrderFilter { updated_from: Some(Time(1)), ..any() }, "orders_updated"),
            (None, OrderFilter { updated_to: Some(Time(1)), statuses: vec![Status::Paid, Status::Created], ..any() }, "orders_updated"),
            (Some("ada"), OrderFilter { updated_from: Some(Time(1)), ..any() }, "orders_user"),
        ] {
            for after in [None, Some((Time(9), Uuid::nil()))] {
                let listing = Listing::of(own, &filter, &filter.statuses, page(after));
                let mut plan = db.prepare(&format!("explain query plan {}", listing.sql)).unwrap();
                let steps: Vec<String> = plan
                    .query_map(params_from_iter(&listing.values), |row| row.get::<_, String>(3))
                    .unwrap()
                    .collect::<Result<_>>()
                    .unwrap();
                let steps = steps.join("; ");
                assert!(steps.contains(&format!("INDEX {index}")), "{steps}");
                // What one address or one customer ordered may be sorted; a scan may only follow an index in its own order.
                let of_one = filter.email.is_some() || (own.is_some() && filter.is_by_change());
                let sorts = steps.contains("TEMP B-TREE") && !of_one;
                let scans = steps.contains("SCAN orders") && !matches!(index, "orders_created" | "orders_updated");
                assert!(!sorts && !scans, "{}: {steps}", listing.sql);
            }
        }
    }
}
