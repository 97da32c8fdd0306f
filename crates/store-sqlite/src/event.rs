//! Table `order_event`: facts, appended and never changed.

use std::sync::Arc;

use domain::event::OrderEvent;
use domain::order::Status;
use rusqlite::{Connection, Result, params};

/// Appends facts, in the order of the table: then they come at its end.
pub(crate) fn append(db: &Connection, facts: &[Arc<OrderEvent>]) -> Result<()> {
    let mut insert = db.prepare_cached(
        "insert into order_event
             (order_event_id, order_id, sequence, event_type, from_status, to_status, payload_json, changed_by, request_id, created_at)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?;
    let mut facts: Vec<_> = facts.iter().collect();
    facts.sort_by_key(|event| (event.order_id, event.sequence));
    for event in facts {
        insert.execute(params![
            event.order_event_id.0.as_bytes(),
            event.order_id.0.as_bytes(),
            event.sequence,
            event.fact.event_type(),
            event.from.map(Status::as_str),
            event.to.as_str(),
            engine::wire::fact(&event.fact),
            event.changed_by,
            event.request_id,
            event.created_at.0
        ])?;
    }
    Ok(())
}
