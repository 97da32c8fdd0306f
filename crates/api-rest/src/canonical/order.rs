//! Orders: placed, read, listed, canceled, with their history.

use api_input::asked;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use domain::Refusal;
use domain::command::{CancelOrder, ItemRequest, OrderAnswer, PlaceCart, PlaceOrder};
use domain::ids::{CartId, OfferId, OrderId};
use domain::order::Channel;
use domain::refusal::OrderRefusal;
use domain::time::Time;
use engine::past::order_at;
use engine::port::{OrderFilter, Page as Asked};
use engine::{Done, Failure};

use super::order_shape::{EventShape, OrderShape};
use crate::access::Requester;
use crate::answer::{json, replayable};
use crate::app::{App, Call, keyed};
use crate::input::address::address;
use crate::input::fields::Fields;
use crate::input::rules::{currency, email, identifier, metadata, money, multiline, order_number, quantity, statuses, time, uuid};
use crate::input::{document, fields, query};
use crate::output::page::{Cursor, Page};
use crate::problem::Problem;
use crate::refusals::problem_of;
use crate::request::{Body, IdempotencyKey, OptionalBody, PathId};
use crate::terms::{Terms, tag};

/// Lines of one order.
const LINES_MAX: usize = 500;

/// What the service alone decides.
pub(super) const READ_ONLY: &[&str] = &[
    "order_id",
    "order_number",
    "status",
    "payment_status",
    "subtotal_amount",
    "discount_amount",
    "tax_amount",
    "shipping_fee",
    "total_amount",
    "total",
    "price",
    "discount",
    "paid",
    "customer_id",
    "created_at",
    "updated_at",
    "version",
];

/// `POST /api/v1/orders`: from given items, or from a cart.
pub(super) async fn place(call: Call, body: Body) -> Result<Response, Problem> {
    let doc = document::parse(&body.0)?;
    let call = call.with_required_key(&doc)?;
    let (order, cart_id) = call.read::<PlaceOrder, _>(&doc, order).await?;
    let done = match cart_id {
        None => call.submit(order, &doc).await?,
        Some(cart_id) => {
            // A cart never goes to another owner; that it may have been forgotten is no matter to a known key.
            let owner = call.app.ask(call.app.engine.queries().owner_of_cart(cart_id)).await?;
            call.submit(PlaceCart { order, cart_id, owner }, &doc).await?
        }
    };
    let Call { requester, terms, .. } = call;
    let status = if done.is_replay || terms.dry_run { StatusCode::OK } else { StatusCode::CREATED };
    if terms.dry_run && !done.is_replay {
        let body = OrderShape::of(&done.answer, &requester.caller).without_names();
        return Ok(terms.answered(json(status, &body), done.answer.order.version, false));
    }
    Ok(answered(status, &done, &requester, &terms))
}

/// The order, and the cart from which it takes its items.
fn order(f: &mut Fields<'_>) -> (PlaceOrder, Option<CartId>) {
    f.known("idempotency_key");
    f.read_only(READ_ONLY);
    let cart_id = f.optional("cart_id", uuid()).map(CartId);
    let items = if f.has("cart_id") {
        if f.has("items") {
            f.refuse("items", "EXCLUSIVE", "An order is of a cart or of items: give one of the two.");
        }
        f.known("items");
        Vec::new()
    } else {
        f.required_list("items", 1..=LINES_MAX, item)
    };
    let order = PlaceOrder {
        channel: Channel::Canonical,
        user_id: f.optional("user_id", identifier()).map(Into::into),
        customer_email: f.optional("customer_email", email()).map(Into::into),
        cart_id: None,
        external_id: f.optional("external_id", identifier()).map(Into::into),
        currency: f.optional("currency", currency()),
        items,
        shipping_address: address(f, "shipping_address_id", "shipping_address"),
        billing_address: address(f, "billing_address_id", "billing_address"),
        payment_method: f.optional("payment_method", identifier()).map(|word| word.as_str().into()),
        notes: f.optional("notes", multiline(0..=2000)).map(Into::into),
        metadata: f.optional("metadata", metadata()).unwrap_or_else(|| "{}".into()).into(),
    };
    (order, cart_id)
}

/// An order after a command, with its version as its tag.
pub(super) fn answered(status: StatusCode, done: &Done<OrderAnswer>, requester: &Requester, terms: &Terms) -> Response {
    let response = replayable(status, done.is_replay, &OrderShape::of(&done.answer, &requester.caller));
    terms.answered(response, done.answer.order.version, done.is_replay)
}

fn item(f: &mut Fields<'_>) -> ItemRequest {
    f.read_only(&["unit_price", "price", "total", "item_total_amount"]);
    ItemRequest {
        sku_id: f.required("sku_id", identifier()).into(),
        qty: f.required("qty", quantity()),
        expected_unit_price: f.optional("expected_unit_price", money()),
        offer_id: f.optional("offer_id", uuid()).map(OfferId),
    }
}

/// `GET /api/v1/orders/{id}`: as it is, or with `at` as it was at that time.
pub(super) async fn read(State(app): State<App>, requester: Requester, PathId(order_id): PathId, uri: Uri) -> Result<Response, Problem> {
    let at = query::read(uri.query(), |q| q.optional("at", time()).map(Time))?;
    let (queries, order_id) = (app.engine.queries(), OrderId(order_id));
    let found = match at {
        None => app.ask(queries.order(&requester.caller, order_id)).await?,
        Some(at) => app.ask(order_at(queries, &requester.caller, order_id, at)).await?,
    };
    let answer = found.ok_or_else(|| not_found(order_id))?;
    let mut response = json(StatusCode::OK, &OrderShape::of(&answer, &requester.caller));
    if at.is_none() {
        tag(&mut response, answer.order.version);
    }
    Ok(response)
}

/// An order that is not there, or not the caller's: nobody can tell which.
pub(crate) fn not_found(order_id: OrderId) -> Problem {
    problem_of(Failure::Refused(Refusal::Order(OrderRefusal::NotFound(order_id))))
}

/// A cursor says where one list goes on: that of changes is sorted in another way.
const fn name_of(filter: &OrderFilter) -> &'static str {
    if filter.is_by_change() { "changed orders" } else { "orders" }
}

/// `GET /api/v1/orders`: the newest first; with `updated_from` or `updated_to` the oldest change first.
pub(super) async fn list(State(app): State<App>, requester: Requester, uri: Uri) -> Result<Response, Problem> {
    let (filter, limit, after) = query::read(uri.query(), |q| {
        let filter = OrderFilter {
            user_id: q.optional_named(&["user_id", "userId"], identifier()).map(Into::into),
            statuses: q.optional("status", statuses()).unwrap_or_default(),
            from: q.optional("from", time()).map(Time),
            to: q.optional("to", time()).map(Time),
            number: q.optional("number", order_number()).flatten(),
            email: q.optional("email", email()).map(Into::into),
            updated_from: q.optional("updated_from", time()).map(Time),
            updated_to: q.optional("updated_to", time()).map(Time),
        };
        let after = q.cursor(name_of(&filter));
        (filter, q.limit(), after)
    })?;
    let after = after.map(|cursor| (Time(cursor.created_at_ms), cursor.id));
    let asked = Asked { after, limit: u32::from(limit) + 1 };
    let mut found = app.ask(app.engine.queries().orders(&requester.caller, &filter, asked)).await?;
    let more = found.len() > usize::from(limit);
    found.truncate(limit.into());
    let last = found.last().filter(|_| more).map(|answer| filter.place_of(&answer.order));
    let next_cursor = last.map(|(at, id)| Cursor { created_at_ms: at.0, id }.encode(name_of(&filter)));
    let items = found.iter().map(|answer| OrderShape::of(answer, &requester.caller)).collect();
    Ok(json(StatusCode::OK, &Page { items, next_cursor }))
}

/// `GET /api/v1/orders/{id}/events`: the oldest first.
pub(super) async fn events(State(app): State<App>, requester: Requester, PathId(order_id): PathId, uri: Uri) -> Result<Response, Problem> {
    let (limit, after) = query::read(uri.query(), |q| (q.limit(), q.cursor("order events")))?;
    let asked = Asked { after: after.map(|cursor| cursor.created_at_ms), limit: u32::from(limit) + 1 };
    let found = app.ask(app.engine.queries().order_events(&requester.caller, OrderId(order_id), asked)).await?;
    let mut events = found.ok_or_else(|| not_found(OrderId(order_id)))?;
    let more = events.len() > usize::from(limit);
    events.truncate(limit.into());
    // The place in this list is the sequence; the id only binds the cursor to the order.
    let last = events.last().filter(|_| more);
    let next_cursor = last.map(|event| Cursor { created_at_ms: event.sequence, id: order_id }.encode("order events"));
    Ok(json(StatusCode::OK, &Page { items: events.iter().map(EventShape::of).collect(), next_cursor }))
}

/// `POST /api/v1/orders/{id}/cancel`
pub(super) async fn cancel(
    State(app): State<App>,
    requester: Requester,
    terms: Terms,
    uri: Uri,
    PathId(order_id): PathId,
    key: IdempotencyKey,
    body: OptionalBody,
) -> Result<Response, Problem> {
    let doc = body.or_empty()?;
    let reason = fields::read(&doc, asked::cancel_reason)?;
    let ask = terms.on(requester.ask(keyed(key, uri.path(), &doc)));
    let command = CancelOrder { order_id: OrderId(order_id), reason, notes: None };
    let work = app.engine.cancel(command, ask, app.options.answer_within);
    let done = app.wait(work).await.map_err(problem_of)?;
    Ok(answered(StatusCode::OK, &done, &requester, &terms))
}
