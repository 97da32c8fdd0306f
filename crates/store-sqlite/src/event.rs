//! Table `order_event`: facts, appended and never changed.

use std::sync::Arc;

use domain::event::OrderEvent;
use domain::order::Status;
use rusqlite::{Connection, Result};

use crate::rows::Insert;

static INSERT: Insert = Insert::new(
    "order_event
         (order_event_id, order_id, sequence, event_type, from_status, to_status, payload_json, notes, changed_by, request_id, created_at)",
    11,
);

/// Appends facts, in the order of the table: then they come at its end.
pub(crate) fn append(db: &Connection, facts: &[Arc<OrderEvent>]) -> Result<()> {
    let mut facts: Vec<_> = facts.iter().collect();
    facts.sort_by_key(|event| (event.order_id, event.sequence));
    INSERT.rows(db, &facts, |event, row| {
        row.next(event.order_event_id.0.as_bytes())?;
        row.next(event.order_id.0.as_bytes())?;
        row.next(event.sequence)?;
        row.next(event.fact.event_type())?;
        row.next(event.from.map(Status::as_str))?;
        row.next(event.to.as_str())?;
        row.next(engine::wire::fact(&event.fact))?;
        row.next(&event.notes)?;
        row.next(&event.changed_by)?;
        row.next(&event.request_id)?;
        row.next(event.created_at.0)
    })
}
