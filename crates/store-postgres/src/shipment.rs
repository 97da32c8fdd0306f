//! Shipments: tables `shipment` and `shipment_item`. They come with their order and change under its version.

use std::collections::HashMap;
use std::sync::Arc;

use domain::ids::{OrderId, OrderItemId, ShipmentId};
use domain::order::Order;
use domain::shipment::{Shipment, ShipmentLine, Status};
use domain::tables::Write;
use tokio_postgres::Row;

use crate::error::Failure;
use crate::types::{Column, Fields, Moment, column};

/// A row for each line of each shipment, the oldest shipment first.
pub(crate) const LOAD: &str = "
    select s.order_id, s.shipment_id, s.status, s.carrier_code, s.tracking_number, s.shipped_at, s.delivered_at, s.created_at,
        s.updated_at, i.order_item_id, i.qty::bigint
    from shipment s left join shipment_item i on i.shipment_id = s.shipment_id
    where s.order_id = any($1)
    order by s.order_id, s.shipment_id, i.order_item_id";

/// Guarded by the version of the order, which is written first.
pub(crate) const UPSERT: &str = "
    insert into shipment (shipment_id, order_id, status, carrier_code, tracking_number, shipped_at, delivered_at, created_at, updated_at)
    select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[],
        $8::timestamptz[], $9::timestamptz[])
    on conflict (shipment_id) do update
    set status = excluded.status, carrier_code = excluded.carrier_code, tracking_number = excluded.tracking_number,
        shipped_at = excluded.shipped_at, delivered_at = excluded.delivered_at, updated_at = excluded.updated_at";

/// What is in a shipment never changes.
pub(crate) const ITEMS_INSERT: &str = "
    insert into shipment_item (shipment_id, order_item_id, qty)
    select * from unnest($1::uuid[], $2::uuid[], $3::bigint[])
    on conflict (shipment_id, order_item_id) do nothing";

/// Every shipment of the orders, with whose it is.
pub(crate) fn of_orders<'c>(orders: &[&'c Write<Arc<Order>>]) -> Vec<(OrderId, &'c Shipment)> {
    orders.iter().flat_map(|write| write.row.shipments.iter().map(|shipment| (write.row.order_id, shipment))).collect()
}

pub(crate) fn upserted<'c>(rows: &[(OrderId, &'c Shipment)]) -> Vec<Column<'c>> {
    vec![
        column(rows, |(_, shipment)| shipment.shipment_id.0),
        column(rows, |(order_id, _)| order_id.0),
        column(rows, |(_, shipment)| shipment.status.as_str()),
        column(rows, |(_, shipment)| shipment.carrier_code.as_deref()),
        column(rows, |(_, shipment)| shipment.tracking_number.as_deref()),
        column(rows, |(_, shipment)| shipment.shipped_at.map(Moment)),
        column(rows, |(_, shipment)| shipment.delivered_at.map(Moment)),
        column(rows, |(_, shipment)| Moment(shipment.created_at)),
        column(rows, |(_, shipment)| Moment(shipment.updated_at)),
    ]
}

pub(crate) fn items_inserted<'c>(rows: &[(OrderId, &'c Shipment)]) -> Vec<Column<'c>> {
    let lines: Vec<(ShipmentId, ShipmentLine)> =
        rows.iter().flat_map(|(_, shipment)| shipment.lines.iter().map(|line| (shipment.shipment_id, *line))).collect();
    vec![
        column(&lines, |(shipment_id, _)| shipment_id.0),
        column(&lines, |(_, line)| line.order_item_id.0),
        column(&lines, |(_, line)| line.qty),
    ]
}

/// The shipments of each order.
pub(crate) fn read(rows: &[Row]) -> Result<HashMap<OrderId, Vec<Shipment>>, Failure> {
    let mut of_order = HashMap::<OrderId, Vec<Shipment>>::new();
    for row in rows {
        let mut row = Fields::of(row);
        let order_id = OrderId(row.take()?);
        let shipment = Shipment {
            shipment_id: ShipmentId(row.take()?),
            status: row.word(Status::ALL, Status::as_str)?,
            carrier_code: row.text_or_none()?,
            tracking_number: row.text_or_none()?,
            lines: Vec::new(),
            shipped_at: row.time_or_none()?,
            delivered_at: row.time_or_none()?,
            created_at: row.time()?,
            updated_at: row.time()?,
        };
        let line = match (row.take::<Option<_>>()?, row.take::<Option<i64>>()?) {
            (Some(order_item_id), Some(qty)) => Some(ShipmentLine { order_item_id: OrderItemId(order_item_id), qty }),
            _ => None,
        };
        let shipments = of_order.entry(order_id).or_default();
        if shipments.last().is_none_or(|last| last.shipment_id != shipment.shipment_id) {
            shipments.push(shipment);
        }
        if let Some(shipment) = shipments.last_mut() {
            shipment.lines.extend(line);
        }
    }
    Ok(of_order)
}
