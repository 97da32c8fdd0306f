//! Orders: read, listed, canceled. Following one is in [`watch`](crate::watch).

use api_input::asked;
use api_input::cursor::Cursor;
use api_input::document::Doc;
use api_input::fields::{self, Fields};
use api_input::rules::{email, identifier, int, order_number, statuses, text, time, uuid};
use domain::command::CancelOrder;
use domain::ids::OrderId;
use domain::refusal::OrderRefusal;
use domain::time::Time;
use engine::port::{OrderFilter, Page};
use tonic::{Request, Response, Status};

use crate::app::{Answered, App, Call, EVERYBODY};
use crate::document::Document;
use crate::order_v1 as v1;
use crate::order_v1::order_service_server::OrderService;
use crate::problem::Problem;
use crate::shape::order;
use crate::watch::{Events, watch};

#[tonic::async_trait]
impl OrderService for App {
    type WatchStream = Events;

    async fn get(&self, request: Request<v1::GetRequest>) -> Result<Response<v1::Order>, Status> {
        self.answer(EVERYBODY, request, get).await
    }

    async fn list(&self, request: Request<v1::ListRequest>) -> Result<Response<v1::ListResponse>, Status> {
        self.answer(EVERYBODY, request, list).await
    }

    async fn cancel(&self, request: Request<v1::CancelRequest>) -> Result<Response<v1::Order>, Status> {
        self.answer(EVERYBODY, request, cancel).await
    }

    async fn watch(&self, request: Request<v1::WatchRequest>) -> Result<Response<Events>, Status> {
        self.answer(EVERYBODY, request, watch).await
    }
}

/// The name of an order.
pub(crate) fn order_id(f: &mut Fields<'_>) -> OrderId {
    OrderId(f.required("order_id", uuid()))
}

/// An order that is not there, or not the caller's: nobody can tell which.
pub(crate) fn not_found(order_id: OrderId) -> Problem {
    Problem::from(&OrderRefusal::NotFound(order_id).into())
}

async fn get(call: Call, sent: v1::GetRequest) -> Result<Answered<v1::Order>, Problem> {
    let order_id = fields::read(&Document::default().text("order_id", sent.order_id).end(), order_id)?;
    let found = call.question(call.app.engine.queries().order(&call.caller, order_id)).await?;
    let answer = found.ok_or_else(|| not_found(order_id))?;
    Ok(order(&answer, &call.caller).into())
}

/// A cursor says where one list goes on: that of changes is sorted in another way. The cursors of `/api/v1/orders` are these.
const fn name_of(filter: &OrderFilter) -> &'static str {
    if filter.is_by_change() { "changed orders" } else { "orders" }
}

async fn list(call: Call, sent: v1::ListRequest) -> Result<Answered<v1::ListResponse>, Problem> {
    let doc = Document::default()
        .text("user_id", sent.user_id)
        .text("status", sent.status)
        .text("from", sent.from)
        .text("to", sent.to)
        .text("number", sent.number)
        .text("email", sent.email)
        .text("updated_from", sent.updated_from)
        .text("updated_to", sent.updated_to)
        .number("limit", sent.limit)
        .text("cursor", sent.cursor)
        .end();
    let (filter, limit, cursor) = fields::read(&doc, |f| {
        let filter = OrderFilter {
            user_id: f.optional("user_id", identifier()).map(Into::into),
            statuses: f.optional("status", statuses()).unwrap_or_default(),
            from: f.optional("from", time()).map(Time),
            to: f.optional("to", time()).map(Time),
            number: f.optional("number", order_number()).flatten(),
            email: f.optional("email", email()).map(Into::into),
            updated_from: f.optional("updated_from", time()).map(Time),
            updated_to: f.optional("updated_to", time()).map(Time),
        };
        let limit = f.optional("limit", int(1..=200_u16).code("PAGE_SIZE_OUT_OF_RANGE")).unwrap_or(50);
        (filter, limit, f.optional("cursor", text(0..=200)))
    })?;
    let after = match cursor {
        Some(text) => {
            let cursor = Cursor::decode(&text, name_of(&filter));
            let cursor = cursor.ok_or_else(|| Problem::invalid("INVALID_CURSOR", "The cursor is not one of this list"))?;
            Some((Time(cursor.created_at_ms), cursor.id))
        }
        None => None,
    };
    let asked = Page { after, limit: u32::from(limit) + 1 };
    let mut found = call.question(call.app.engine.queries().orders(&call.caller, &filter, asked)).await?;
    let more = found.len() > usize::from(limit);
    found.truncate(limit.into());
    let last = found.last().filter(|_| more).map(|answer| filter.place_of(&answer.order));
    let next_cursor = last.map(|(at, id)| Cursor { created_at_ms: at.0, id }.encode(name_of(&filter)));
    Ok(v1::ListResponse { items: found.iter().map(|answer| order(answer, &call.caller)).collect(), next_cursor }.into())
}

async fn cancel(call: Call, sent: v1::CancelRequest) -> Result<Answered<v1::Order>, Problem> {
    let reason = Document::default().text("reason", sent.reason);
    let doc = reason.end();
    let named = Document::default().text("order_id", sent.order_id).end();
    let both = fields::read(&joined(&named, &doc), |f| (order_id(f), asked::cancel_reason(f)));
    let (order_id, reason) = both?;
    let ask = call.ask(&format!("/api/v1/orders/{}/cancel", order_id.0), &doc);
    let command = CancelOrder { order_id, reason, notes: None };
    let done = call.wait(call.app.engine.cancel(command, ask, call.app.options.answer_within)).await?;
    Ok(Answered::of(order(&done.answer, &call.caller), done.is_replay))
}

/// The order stands in the path at the HTTP door, and is no part of what the key is for.
fn joined(one: &Doc, other: &Doc) -> Doc {
    let fields = [one, other].into_iter().filter_map(|doc| match doc {
        Doc::Object(fields) => Some(fields.clone()),
        Doc::Null | Doc::Bool(_) | Doc::Number(_) | Doc::String(_) | Doc::Array(_) => None,
    });
    Doc::Object(fields.flatten().collect())
}
