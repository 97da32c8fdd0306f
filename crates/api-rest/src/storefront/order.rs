//! Orders for products: placed, read, followed on their way.

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use domain::Caller;
use domain::command::{OrderAnswer, PlaceOrder, PlaceProducts, ProductRequest};
use domain::ids::OrderId;
use domain::order::{AddressRef, Channel};
use engine::port::{Page, RecordedEvent};

use super::shape::{Details, OrderShape, TrackingShape, history};
use crate::access::Requester;
use crate::answer::{created, json};
use crate::app::{App, keyed};
use crate::canonical::order::not_found;
use crate::input::fields::Fields;
use crate::input::rules::{currency, email, identifier, multiline, quantity};
use crate::input::{document, fields};
use crate::problem::Problem;
use crate::refusals::problem_of;
use crate::request::{Body, IdempotencyKey, NoQuery, PathId};

/// Lines of one order.
const LINES_MAX: usize = 500;

/// Facts of one order that are read at once; few orders have more.
const FACTS_AT_ONCE: u32 = 100;

/// What the service alone decides.
const READ_ONLY: &[&str] = &[
    "id",
    "order_number",
    "status",
    "subtotal",
    "tax_amount",
    "shipping_amount",
    "discount_amount",
    "total_amount",
    "tracking_number",
    "shipped_at",
    "delivered_at",
    "cancelled_at",
    "cancellation_reason",
    "created_at",
    "updated_at",
    "payment_status",
    "version",
];

/// `POST /api/orders`
pub(super) async fn place(
    State(app): State<App>,
    requester: Requester,
    uri: Uri,
    key: IdempotencyKey,
    body: Body,
) -> Result<Response, Problem> {
    let doc = document::parse(&body.0)?;
    let key = keyed(key, uri.path(), &doc);
    let caller = &requester.caller;
    let read = fields::read(&doc, |f| {
        f.read_only(READ_ONLY);
        let order = PlaceOrder {
            channel: Channel::Storefront,
            // Who orders for others says for whom.
            user_id: match caller.only_own() {
                Some(_) => f.optional("user_id", identifier()).map(Into::into),
                None => Some(f.required("user_id", identifier()).into()),
            },
            customer_email: f.optional("customer_email", email()).map(Into::into),
            cart_id: None,
            external_id: None,
            currency: f.optional("currency", currency()),
            items: Vec::new(),
            shipping_address: AddressRef { id: Some(f.required("shipping_address_id", identifier()).into()), snapshot: None },
            billing_address: AddressRef { id: Some(f.required("billing_address_id", identifier()).into()), snapshot: None },
            payment_method: f.optional("payment_method", identifier()).map(|word| word.as_str().into()),
            notes: f.optional("notes", multiline(0..=2000)).map(Into::into),
            metadata: "{}".into(),
        };
        (order, f.required_list("items", 1..=LINES_MAX, line))
    });
    let (order, lines) = app.judge::<PlaceProducts, _>(caller, key.as_ref().map(|key| &*key.0), read).await?;
    let work = app.engine.place_products(order, lines, requester.ask(key));
    let done = app.wait(work).await.map_err(problem_of)?;
    let events = told_afterwards(&app, caller, &done.answer).await;
    Ok(created(done.is_replay, &details(&done.answer, events.as_deref(), caller)))
}

fn line(f: &mut Fields<'_>) -> ProductRequest {
    f.read_only(&["id", "order_id", "product_name", "unit_price", "total_price", "created_at"]);
    ProductRequest {
        product_id: f.required("product_id", identifier()).into(),
        named: f.optional("product_sku", identifier()).map(Into::into),
        qty: f.required("quantity", quantity()),
    }
}

/// `GET /api/orders/{id}`
pub(super) async fn read(State(app): State<App>, requester: Requester, PathId(order_id): PathId, _: NoQuery) -> Result<Response, Problem> {
    let answer = find(&app, &requester.caller, OrderId(order_id)).await?;
    let events = events_of(&app, &requester.caller, &answer).await?;
    Ok(json(StatusCode::OK, &details(&answer, Some(&events), &requester.caller)))
}

/// `GET /api/orders/{id}/tracking`
pub(super) async fn tracking(
    State(app): State<App>,
    requester: Requester,
    PathId(order_id): PathId,
    _: NoQuery,
) -> Result<Response, Problem> {
    let answer = find(&app, &requester.caller, OrderId(order_id)).await?;
    Ok(json(StatusCode::OK, &TrackingShape::of(&answer.order)))
}

/// The order if the caller may see it, or 404.
pub(super) async fn find(app: &App, caller: &Caller, order_id: OrderId) -> Result<OrderAnswer, Problem> {
    app.ask(app.engine.queries().order(caller, order_id)).await?.ok_or_else(|| not_found(order_id))
}

/// The order with its history.
pub(super) fn details<'a>(answer: &'a OrderAnswer, events: Option<&'a [RecordedEvent]>, caller: &Caller) -> Details<'a> {
    Details { order: OrderShape::of(answer, caller), status_history: events.map(|events| history(&answer.order, events)) }
}

/// The history of an order that was just changed. What was done is done: where it cannot be read, the answer goes without.
pub(super) async fn told_afterwards(app: &App, caller: &Caller, answer: &OrderAnswer) -> Option<Vec<RecordedEvent>> {
    events_of(app, caller, answer).await.ok()
}

/// The facts of the order up to its version: what came after it was read is not told of it.
async fn events_of(app: &App, caller: &Caller, answer: &OrderAnswer) -> Result<Vec<RecordedEvent>, Problem> {
    let (order_id, version) = (answer.order.order_id, answer.order.version);
    let mut events: Vec<RecordedEvent> = Vec::new();
    while events.last().is_none_or(|event| event.sequence < version) {
        let page = Page { after: events.last().map(|event| event.sequence), limit: FACTS_AT_ONCE };
        let found = app.ask(app.engine.queries().order_events(caller, order_id, page)).await?;
        let found = found.ok_or_else(|| not_found(order_id))?;
        if found.is_empty() {
            break;
        }
        events.extend(found);
    }
    events.retain(|event| event.sequence <= version);
    Ok(events)
}
