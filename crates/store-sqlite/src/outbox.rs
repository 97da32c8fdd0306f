//! Table `outbox`: messages that wait for a broker.

use domain::message::Message;
use rusqlite::{Connection, Result};

use crate::rows;

/// Appends messages.
pub(crate) fn append(db: &Connection, messages: &[Message]) -> Result<()> {
    let statement = "insert into outbox (id, event_type, aggregate_id, sequence, payload, created_at)";
    rows::insert(db, statement, 6, messages, |message, row| {
        row.next(message.message_id.0.as_bytes())?;
        row.next(message.kind.event_type())?;
        row.next(message.order_id().0.as_bytes())?;
        row.next(message.sequence())?;
        row.next(engine::wire::message(message))?;
        row.next(message.created_at().0)
    })
}
