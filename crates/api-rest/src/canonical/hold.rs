//! Holds: units that are promised for a while, for an order to come.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::command::{HoldAnswer, HoldItem, PlaceHold, ReleaseHold};
use domain::hold::{Hold, TTL_SECONDS_DEFAULT};
use domain::ids::HoldId;
use domain::refusal::HoldRefusal;
use domain::time::Time;
use engine::{Done, Failure};
use serde::Serialize;
use uuid::Uuid;

use crate::answer::{json, replayable};
use crate::app::{App, Call};
use crate::input::document;
use crate::input::rules::{identifier, int, quantity};
use crate::output::time::UtcTime;
use crate::problem::Problem;
use crate::refusals::problem_of;
use crate::request::{Body, NoQuery, OptionalBody, PathId};
use crate::terms::tag;

/// Lines of one hold; as of an order.
const LINES_MAX: usize = 500;
/// A day: who needs longer reserves by hand.
const TTL_SECONDS_MAX: i64 = 86_400;

#[derive(Serialize)]
struct HoldShape<'a> {
    hold_id: Uuid,
    status: &'static str,
    items: Vec<LineShape<'a>>,
    order_id: Option<Uuid>,
    expires_at: Option<UtcTime>,
    created_at: UtcTime,
    updated_at: UtcTime,
}

#[derive(Serialize)]
struct LineShape<'a> {
    sku_id: &'a str,
    qty: i64,
}

impl<'a> HoldShape<'a> {
    fn of(hold: &'a Hold, now: Time) -> Self {
        Self {
            hold_id: hold.hold_id.0,
            status: hold.status_at(now).as_str(),
            items: hold.items.iter().map(|line| LineShape { sku_id: line.sku_id.as_str(), qty: line.qty }).collect(),
            order_id: hold.order_id.map(|id| id.0),
            expires_at: hold.expires_at.map(UtcTime),
            created_at: UtcTime(hold.created_at),
            updated_at: UtcTime(hold.updated_at),
        }
    }
}

/// `POST /api/v1/holds`: everything that is asked for, or nothing.
pub(super) async fn place(call: Call, _: NoQuery, body: Body) -> Result<Response, Problem> {
    let doc = document::parse(&body.0)?;
    let done = call.carry_out(&doc, |f| {
        f.read_only(&["hold_id", "status", "order_id", "expires_at"]);
        PlaceHold {
            items: f.required_list("items", 1..=LINES_MAX, |f| HoldItem {
                sku_id: f.required("sku_id", identifier()).into(),
                qty: f.required("qty", quantity()),
            }),
            ttl_seconds: f.optional("ttl_seconds", int(1..=TTL_SECONDS_MAX)).unwrap_or(TTL_SECONDS_DEFAULT),
        }
    });
    let done = done.await?;
    let status = if done.is_replay || call.terms.dry_run { StatusCode::OK } else { StatusCode::CREATED };
    Ok(answered(&call, status, &done))
}

/// `GET /api/v1/holds/{id}`
pub(super) async fn read(State(app): State<App>, PathId(hold_id): PathId, _: NoQuery) -> Result<Response, Problem> {
    let found = app.ask(app.engine.queries().hold(HoldId(hold_id))).await?;
    // Of a hold that is kept elsewhere there is nothing to show.
    let hold = found.filter(|hold| !hold.is_foreign());
    let hold = hold.ok_or_else(|| problem_of(Failure::Refused(HoldRefusal::NotFound(HoldId(hold_id)).into())))?;
    let mut response = json(StatusCode::OK, &HoldShape::of(&hold, app.engine.now()));
    tag(&mut response, hold.version);
    Ok(response)
}

/// `POST /api/v1/holds/{id}/release`: again, the same.
pub(super) async fn release(call: Call, PathId(hold_id): PathId, _: NoQuery, body: OptionalBody) -> Result<Response, Problem> {
    let doc = body.or_empty()?;
    let done = call.carry_out(&doc, |_| ReleaseHold { hold_id: HoldId(hold_id) }).await?;
    Ok(answered(&call, StatusCode::OK, &done))
}

fn answered(call: &Call, status: StatusCode, done: &Done<HoldAnswer>) -> Response {
    let hold = &done.answer.0;
    let response = replayable(status, done.is_replay, &HoldShape::of(hold, call.app.engine.now()));
    call.terms.answered(response, hold.version, done.is_replay)
}
