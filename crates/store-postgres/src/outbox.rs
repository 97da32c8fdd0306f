//! Messages that wait for their relay: table `outbox`.

use domain::message::Message;
use engine::port::OutboxStanding;
use engine::wire;
use tokio_postgres::Row;

use crate::error::Failure;
use crate::types::{Column, Fields, Moment, column};

pub(crate) const INSERT: &str = "
    insert into outbox (id, event_type, aggregate_id, sequence, payload, created_at)
    select id, event_type, aggregate_id, sequence, payload::jsonb, created_at
    from unnest($1::uuid[], $2::text[], $3::uuid[], $4::bigint[], $5::text[], $6::timestamptz[])
        as x (id, event_type, aggregate_id, sequence, payload, created_at)";

pub(crate) const STANDING: &str = "select count(*), min(created_at) from outbox where published = false";

pub(crate) fn inserted<'c>(rows: &[&'c Message]) -> Vec<Column<'c>> {
    vec![
        column(rows, |message| message.message_id.0),
        column(rows, |message| message.kind.event_type()),
        column(rows, |message| message.order_id().0),
        column(rows, |message| message.sequence()),
        column(rows, |message| wire::message(message)),
        column(rows, |message| Moment(message.created_at())),
    ]
}

pub(crate) fn standing(row: &Row) -> Result<OutboxStanding, Failure> {
    let mut row = Fields::of(row);
    Ok(OutboxStanding { pending: row.take()?, oldest: row.time_or_none()? })
}
