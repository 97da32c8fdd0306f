//! What needs a person.

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use domain::ids::TaskId;
use domain::task::Task;
use domain::time::Time;
use engine::port::Page as Asked;
use serde::Serialize;
use uuid::Uuid;

use crate::answer::json;
use crate::app::App;
use crate::input::query;
use crate::output::page::{Cursor, Page};
use crate::output::time::UtcTime;
use crate::problem::Problem;

#[derive(Serialize)]
struct TaskShape<'a> {
    task_id: Uuid,
    kind: &'static str,
    order_id: Uuid,
    detail: &'a str,
    created_at: UtcTime,
}

impl<'a> TaskShape<'a> {
    fn of(task: &'a Task) -> Self {
        Self {
            task_id: task.task_id.0,
            kind: task.kind.as_str(),
            order_id: task.order_id.0,
            detail: &task.detail,
            created_at: UtcTime(task.created_at),
        }
    }
}

/// `GET /api/v1/ops-tasks`: what is open, the oldest first.
pub(super) async fn list(State(app): State<App>, uri: Uri) -> Result<Response, Problem> {
    let (limit, after) = query::read(uri.query(), |q| (q.limit(), q.cursor("tasks")))?;
    let after = after.map(|cursor| (Time(cursor.created_at_ms), TaskId(cursor.id)));
    let mut found = app.ask(app.engine.queries().open_tasks(Asked { after, limit: u32::from(limit) + 1 })).await?;
    let more = found.len() > usize::from(limit);
    found.truncate(limit.into());
    let last = found.last().filter(|_| more);
    let next_cursor = last.map(|task| Cursor { created_at_ms: task.created_at.0, id: task.task_id.0 }.encode("tasks"));
    Ok(json(StatusCode::OK, &Page { items: found.iter().map(|task| TaskShape::of(task)).collect(), next_cursor }))
}
