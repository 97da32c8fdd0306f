//! Messages that wait for their relay: table `outbox`.

use domain::message::Message;
use engine::port::OutboxStanding;
use engine::wire;
use tokio_postgres::Row;

use crate::error::Failure;
use crate::types::{Column, Fields, Json, Moment, named, rows};

pub(crate) const INSERT: &str = "
    insert into outbox (id, event_type, aggregate_id, sequence, payload, created_at)
    select id, event_type, aggregate_id, sequence, payload, created_at
    from unnest($1::outbox[])";

pub(crate) const STANDING: &str = "select count(*), min(created_at) from outbox where published = false";

pub(crate) fn inserted<'c>(messages: &[&'c Message]) -> Vec<Column<'c>> {
    rows(vec![
        named("id", messages, |message| message.message_id.0),
        named("event_type", messages, |message| message.kind.event_type()),
        named("aggregate_id", messages, |message| message.order_id().0),
        named("sequence", messages, |message| message.sequence()),
        named("payload", messages, |message| Json(wire::message(message))),
        named("created_at", messages, |message| Moment(message.created_at())),
    ])
}

pub(crate) fn standing(row: &Row) -> Result<OutboxStanding, Failure> {
    let mut row = Fields::of(row);
    Ok(OutboxStanding { pending: row.take()?, oldest: row.time_or_none()? })
}
