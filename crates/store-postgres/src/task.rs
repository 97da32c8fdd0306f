//! What needs a person: table `ops_task`.

use std::sync::Arc;

use domain::ids::{OrderId, TaskId};
use domain::tables::Write;
use domain::task::{Kind, Task};
use tokio_postgres::Row;

use crate::error::Failure;
use crate::types::{Column, Fields, Moment, column};

/// What [`read`] reads.
macro_rules! columns {
    () => {
        "task_id, kind, order_id, detail, assigned_to, note, closed_at, version, created_at, updated_at"
    };
}

pub(crate) const LOAD: &str = concat!("select ", columns!(), " from ops_task where task_id = any($1)");

/// Open tasks after `($1, $2)`, the oldest first.
pub(crate) const OPEN: &str = concat!(
    "select ",
    columns!(),
    " from ops_task where closed_at is null and ($1::timestamptz is null or (created_at, task_id) > ($1, $2)) \
     order by created_at, task_id limit $3"
);

pub(crate) const INSERT: &str = "
    insert into ops_task (task_id, assigned_to, note, closed_at, version, updated_at, kind, order_id, detail, created_at)
    select * from unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::bigint[], $6::timestamptz[], $7::text[],
        $8::uuid[], $9::text[], $10::timestamptz[])";

/// Why a person is needed never changes.
pub(crate) const UPDATE: &str = "
    with changed as (
        update ops_task as t
        set assigned_to = x.assigned_to, note = x.note, closed_at = x.closed_at, version = x.version, updated_at = x.updated_at
        from unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::bigint[], $6::timestamptz[], $7::bigint[])
            as x (task_id, assigned_to, note, closed_at, version, updated_at, expected)
        where t.task_id = any($1) and t.task_id = x.task_id and t.version = x.expected
        returning 1)
    select ordo_expect('ops_task', (select count(*) from changed), cardinality($1))";

fn written<'c>(rows: &[&'c Write<Arc<Task>>]) -> Vec<Column<'c>> {
    vec![
        column(rows, |write| write.row.task_id.0),
        column(rows, |write| write.row.assigned_to.as_deref()),
        column(rows, |write| write.row.note.as_deref()),
        column(rows, |write| write.row.closed_at.map(Moment)),
        column(rows, |write| write.row.version),
        column(rows, |write| Moment(write.row.updated_at)),
    ]
}

pub(crate) fn inserted<'c>(rows: &[&'c Write<Arc<Task>>]) -> Vec<Column<'c>> {
    let mut columns = written(rows);
    columns.push(column(rows, |write| write.row.kind.as_str()));
    columns.push(column(rows, |write| write.row.order_id.0));
    columns.push(column(rows, |write| &*write.row.detail));
    columns.push(column(rows, |write| Moment(write.row.created_at)));
    columns
}

pub(crate) fn updated<'c>(rows: &[&'c Write<Arc<Task>>]) -> Vec<Column<'c>> {
    let mut columns = written(rows);
    columns.push(column(rows, |write| write.expected));
    columns
}

pub(crate) fn read(row: &Row) -> Result<Task, Failure> {
    let mut row = Fields::of(row);
    Ok(Task {
        task_id: TaskId(row.take()?),
        kind: row.word(Kind::ALL, Kind::as_str)?,
        order_id: OrderId(row.take()?),
        detail: row.text()?,
        assigned_to: row.text_or_none()?,
        note: row.text_or_none()?,
        closed_at: row.time_or_none()?,
        version: row.take()?,
        created_at: row.time()?,
        updated_at: row.time()?,
    })
}
