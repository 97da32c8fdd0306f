//! Table `outbox`: messages that wait for a broker.

use domain::message::Message;
use rusqlite::{Connection, Result, params};

/// Appends messages.
pub(crate) fn append(db: &Connection, messages: &[Message]) -> Result<()> {
    let mut insert =
        db.prepare_cached("insert into outbox (id, event_type, aggregate_id, sequence, payload, created_at) values (?, ?, ?, ?, ?, ?)")?;
    for message in messages {
        insert.execute(params![
            message.message_id.0.as_bytes(),
            message.kind.event_type(),
            message.order_id().0.as_bytes(),
            message.sequence(),
            engine::wire::message(message),
            message.created_at().0
        ])?;
    }
    Ok(())
}
