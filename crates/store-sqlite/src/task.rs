//! Table `ops_task`: what needs a person.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::ids::TaskId;
use domain::tables::{Shelf, Tasks, Write};
use domain::task::{Kind, Task};
use domain::time::Time;
use engine::port::Page;
use rusqlite::{Connection, OptionalExtension as _, Result, Row, params};

use crate::error::{Trouble, one_row};
use crate::value::{Cells, ms};

/// What [`task_of`] reads.
macro_rules! columns {
    () => {
        "task_id, kind, order_id, detail, assigned_to, note, closed_at, version, created_at, updated_at"
    };
}

fn task_of(row: &Row<'_>) -> Result<Arc<Task>> {
    let mut cells = Cells::of(row);
    Ok(Arc::new(Task {
        task_id: cells.id()?,
        kind: cells.word(Kind::ALL, Kind::as_str)?,
        order_id: cells.id()?,
        detail: cells.get()?,
        assigned_to: cells.get()?,
        note: cells.get()?,
        closed_at: cells.maybe_time()?,
        version: cells.get()?,
        created_at: cells.time()?,
        updated_at: cells.time()?,
    }))
}

/// Open tasks, the oldest first.
pub(crate) fn open(db: &Connection, page: Page<(Time, TaskId)>) -> Result<Vec<Arc<Task>>> {
    let (created_at, task_id) = page.after.map_or((0, [0; 16]), |(created_at, task_id)| (created_at.0, *task_id.0.as_bytes()));
    db.prepare_cached(concat!(
        "select ",
        columns!(),
        " from ops_task indexed by ops_task_open where closed_at is null and (created_at, task_id) > (?, ?) order by created_at, task_id limit ?"
    ))?
    .query_map(params![created_at, task_id, page.limit], task_of)?
    .collect()
}

/// Puts what is there of `keys` onto the shelf.
pub(crate) fn load(db: &Connection, keys: &BTreeSet<TaskId>, seen: &mut Shelf<Tasks>) -> Result<()> {
    for &task_id in keys {
        let task = db
            .prepare_cached(concat!("select ", columns!(), " from ops_task where task_id = ?"))?
            .query_row([task_id.0.as_bytes()], task_of)
            .optional()?;
        if let Some(task) = task {
            seen.found(task_id, task);
        }
    }
    Ok(())
}

/// Writes tasks. Why a person is needed never changes.
pub(crate) fn save(db: &Connection, writes: &BTreeMap<TaskId, Write<Arc<Task>>>) -> Result<(), Trouble> {
    for (task_id, Write { expected, row: task }) in writes {
        if *expected == 0 {
            db.prepare_cached(concat!("insert into ops_task (", columns!(), ") values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"))?.execute(
                params![
                    task_id.0.as_bytes(),
                    task.kind.as_str(),
                    task.order_id.0.as_bytes(),
                    task.detail,
                    task.assigned_to,
                    task.note,
                    ms(task.closed_at),
                    task.version,
                    task.created_at.0,
                    task.updated_at.0
                ],
            )?;
            continue;
        }
        let changed = db
            .prepare_cached(
                "update ops_task set assigned_to = ?, note = ?, closed_at = ?, version = ?, updated_at = ?
                 where task_id = ? and version = ?",
            )?
            .execute(params![
                task.assigned_to,
                task.note,
                ms(task.closed_at),
                task.version,
                task.updated_at.0,
                task_id.0.as_bytes(),
                expected
            ])?;
        one_row(changed, "ops_task")?;
    }
    Ok(())
}
