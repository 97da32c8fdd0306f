//! Facts of orders: table `order_event`. Appended, never read by a writer.

use std::sync::Arc;

use domain::event::OrderEvent;
use domain::ids::OrderEventId;
use domain::order::Status;
use engine::port::RecordedEvent;
use engine::wire;
use tokio_postgres::Row;

use crate::error::Failure;
use crate::types::{Column, Fields, Json, Moment, named, rows};

pub(crate) const INSERT: &str = "
    insert into order_event (order_event_id, order_id, sequence, event_type, from_status, to_status, payload_json, notes,
        changed_by, request_id, created_at)
    select order_event_id, order_id, sequence, event_type, from_status, to_status, payload_json, notes, changed_by, request_id, created_at
    from unnest($1::order_event[])";

/// The history of an order after `$2`.
pub(crate) const HISTORY: &str = "
    select order_event_id, sequence, event_type, from_status, to_status, payload_json::text, notes, changed_by, request_id, created_at
    from order_event
    where order_id = $1 and sequence > $2
    order by sequence
    limit $3";

pub(crate) fn inserted<'c>(facts: &[&'c Arc<OrderEvent>]) -> Vec<Column<'c>> {
    rows(vec![
        named("order_event_id", facts, |event| event.order_event_id.0),
        named("order_id", facts, |event| event.order_id.0),
        named("sequence", facts, |event| event.sequence),
        named("event_type", facts, |event| event.fact.event_type()),
        named("from_status", facts, |event| event.from.map(Status::as_str)),
        named("to_status", facts, |event| event.to.as_str()),
        named("payload_json", facts, |event| Json(wire::fact(&event.fact))),
        named("notes", facts, |event| event.notes.as_deref()),
        named("changed_by", facts, |event| &*event.changed_by),
        named("request_id", facts, |event| &*event.request_id),
        named("created_at", facts, |event| Moment(event.created_at)),
    ])
}

pub(crate) fn read(row: &Row) -> Result<RecordedEvent, Failure> {
    let mut row = Fields::of(row);
    Ok(RecordedEvent {
        order_event_id: OrderEventId(row.take()?),
        sequence: row.take()?,
        event_type: row.take()?,
        from: row.take()?,
        to: row.take()?,
        payload: row.take()?,
        notes: row.take()?,
        changed_by: row.take::<Option<_>>()?.unwrap_or_default(),
        request_id: row.take::<Option<_>>()?.unwrap_or_default(),
        created_at: row.time()?,
    })
}
