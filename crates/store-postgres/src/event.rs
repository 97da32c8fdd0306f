//! Facts of orders: table `order_event`. Appended, never read by a writer.

use std::sync::Arc;

use domain::event::OrderEvent;
use domain::ids::OrderEventId;
use domain::order::Status;
use engine::port::RecordedEvent;
use engine::wire;
use tokio_postgres::Row;

use crate::error::Failure;
use crate::types::{Column, Fields, Moment, column};

pub(crate) const INSERT: &str = "
    insert into order_event (order_event_id, order_id, sequence, event_type, from_status, to_status, payload_json, changed_by,
        request_id, created_at)
    select order_event_id, order_id, sequence, event_type, from_status, to_status, payload::jsonb, changed_by, request_id, created_at
    from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
            $10::timestamptz[])
        as x (order_event_id, order_id, sequence, event_type, from_status, to_status, payload, changed_by, request_id, created_at)";

/// The history of an order after `$2`.
pub(crate) const HISTORY: &str = "
    select order_event_id, sequence, event_type, from_status, to_status, payload_json::text, changed_by, request_id, created_at
    from order_event
    where order_id = $1 and sequence > $2
    order by sequence
    limit $3";

pub(crate) fn inserted<'c>(rows: &[&'c Arc<OrderEvent>]) -> Vec<Column<'c>> {
    vec![
        column(rows, |event| event.order_event_id.0),
        column(rows, |event| event.order_id.0),
        column(rows, |event| event.sequence),
        column(rows, |event| event.fact.event_type()),
        column(rows, |event| event.from.map(Status::as_str)),
        column(rows, |event| event.to.as_str()),
        column(rows, |event| wire::fact(&event.fact)),
        column(rows, |event| &*event.changed_by),
        column(rows, |event| &*event.request_id),
        column(rows, |event| Moment(event.created_at)),
    ]
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
        changed_by: row.take::<Option<_>>()?.unwrap_or_default(),
        request_id: row.take::<Option<_>>()?.unwrap_or_default(),
        created_at: row.time()?,
    })
}
