//! Tables `shipment` and `shipment_item`: goods that leave together. They change under the version of their order.

use domain::ids::OrderId;
use domain::order::Order;
use domain::shipment::{Shipment, ShipmentLine, Status};
use rusqlite::{Connection, Result, params};

use crate::value::{Cells, ms};

/// The shipments of an order, by name; names rise with time.
pub(crate) fn of_order(db: &Connection, order_id: OrderId) -> Result<Vec<Shipment>> {
    let mut shipments = db
        .prepare_cached(
            "select shipment_id, status, carrier_code, tracking_number, shipped_at, delivered_at, created_at, updated_at
             from shipment where order_id = ? order by shipment_id",
        )?
        .query_map([order_id.0.as_bytes()], |row| {
            let mut cells = Cells::of(row);
            Ok(Shipment {
                shipment_id: cells.id()?,
                status: cells.word(Status::ALL, Status::as_str)?,
                carrier_code: cells.get()?,
                tracking_number: cells.get()?,
                lines: Vec::new(),
                shipped_at: cells.maybe_time()?,
                delivered_at: cells.maybe_time()?,
                created_at: cells.time()?,
                updated_at: cells.time()?,
            })
        })?
        .collect::<Result<Vec<_>>>()?;
    for shipment in &mut shipments {
        shipment.lines = db
            .prepare_cached("select order_item_id, qty from shipment_item where shipment_id = ? order by order_item_id")?
            .query_map([shipment.shipment_id.0.as_bytes()], |row| {
                let mut cells = Cells::of(row);
                Ok(ShipmentLine { order_item_id: cells.id()?, qty: cells.get()? })
            })?
            .collect::<Result<_>>()?;
    }
    Ok(shipments)
}

/// Writes the shipments of an order whose row was written before; what is in one never changes.
pub(crate) fn save(db: &Connection, order: &Order) -> Result<()> {
    for shipment in &order.shipments {
        db.prepare_cached(
            "insert into shipment (shipment_id, order_id, status, carrier_code, tracking_number, shipped_at, delivered_at, created_at,
                 updated_at)
             values (?, ?, ?, ?, ?, ?, ?, ?, ?)
             on conflict (shipment_id) do update set status = excluded.status, carrier_code = excluded.carrier_code,
                 tracking_number = excluded.tracking_number, shipped_at = excluded.shipped_at, delivered_at = excluded.delivered_at,
                 updated_at = excluded.updated_at",
        )?
        .execute(params![
            shipment.shipment_id.0.as_bytes(),
            order.order_id.0.as_bytes(),
            shipment.status.as_str(),
            shipment.carrier_code,
            shipment.tracking_number,
            ms(shipment.shipped_at),
            ms(shipment.delivered_at),
            shipment.created_at.0,
            shipment.updated_at.0
        ])?;
        let mut insert = db.prepare_cached(
            "insert into shipment_item (shipment_id, order_item_id, qty) values (?, ?, ?)
             on conflict (shipment_id, order_item_id) do nothing",
        )?;
        for line in &shipment.lines {
            insert.execute(params![shipment.shipment_id.0.as_bytes(), line.order_item_id.0.as_bytes(), line.qty])?;
        }
    }
    Ok(())
}
