//! Table `outbox`: messages that wait for a broker.

use domain::message::Message;
use rusqlite::{Connection, Result};

use crate::rows::Insert;

static INSERT: Insert = Insert::new("outbox (id, event_type, aggregate_id, sequence, payload, created_at)", 6);

/// Appends messages.
pub(crate) fn append(db: &Connection, messages: &[Message]) -> Result<()> {
    INSERT.rows(db, messages, |message, row| {
        row.next(message.message_id.0.as_bytes())?;
        row.next(message.kind.event_type())?;
        row.next(message.order_id().0.as_bytes())?;
        row.next(message.sequence())?;
        row.next(engine::wire::message(message))?;
        row.next(message.created_at().0)
    })
}
