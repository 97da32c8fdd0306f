//! Offers: what a SKU costs, and when.

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use domain::catalog::{Offer, OfferStatus};
use domain::command::{ChangeOffer, CreateOffer};
use domain::ids::OfferId;
use domain::refusal::CatalogRefusal;
use domain::stock::Balance;
use domain::time::Time;
use engine::Failure;
use serde::Serialize;
use uuid::Uuid;

use super::sku::find;
use crate::access::Requester;
use crate::answer::{created, json, replayable};
use crate::app::{App, keyed};
use crate::input::fields::Patch;
use crate::input::rules::{choice, currency, identifier, int, money, time};
use crate::input::{document, fields, query};
use crate::output::amount::Amount;
use crate::output::page::{Cursor, Page};
use crate::output::time::UtcTime;
use crate::problem::Problem;
use crate::refusals::problem_of;
use crate::request::{Body, IdempotencyKey, NoQuery, PathId, PathName};

const STATUSES: &[(&str, OfferStatus)] = &[("ACTIVE", OfferStatus::Active), ("PAUSED", OfferStatus::Paused), ("ENDED", OfferStatus::Ended)];

#[derive(Serialize)]
struct OfferShape<'a> {
    offer_id: Uuid,
    sku_id: &'a str,
    price: Amount,
    currency: &'static str,
    priority: i32,
    valid_from: UtcTime,
    valid_to: Option<UtcTime>,
    status: &'static str,
}

impl<'a> OfferShape<'a> {
    fn of(offer: &'a Offer) -> Self {
        Self {
            offer_id: offer.offer_id.0,
            sku_id: offer.sku_id.as_str(),
            price: Amount { minor: offer.price, currency: offer.currency },
            currency: offer.currency.code(),
            priority: offer.priority,
            valid_from: UtcTime(offer.valid_from),
            valid_to: offer.valid_to.map(UtcTime),
            status: offer.status.as_str(),
        }
    }
}

#[derive(Serialize)]
struct CurrentOffer<'a> {
    #[serde(flatten)]
    offer: OfferShape<'a>,
    effective_price: Amount,
    is_in_stock: bool,
}

/// `POST /api/v1/offers`
pub(super) async fn create(
    State(app): State<App>,
    requester: Requester,
    uri: Uri,
    key: IdempotencyKey,
    body: Body,
) -> Result<Response, Problem> {
    let doc = document::parse(&body.0)?;
    let read = fields::read(&doc, |f| CreateOffer {
        sku_id: f.required("sku_id", identifier()).into(),
        price: f.required("price", money()),
        currency: f.required("currency", currency()),
        priority: f.optional("priority", int(i32::MIN..=i32::MAX)).unwrap_or(0),
        valid_from: f.optional("valid_from", time()).map(Time),
        valid_to: f.optional("valid_to", time()).map(Time),
        status: f.optional("status", choice(STATUSES)).unwrap_or(OfferStatus::Active),
    });
    let key = keyed(key, uri.path(), &doc);
    let command = app.judge::<CreateOffer, _>(&requester.caller, key.as_ref().map(|key| &*key.0), read).await?;
    let done = app.submit(command, requester.ask(key)).await?;
    Ok(created(done.is_replay, &OfferShape::of(&done.answer.0)))
}

/// `PATCH /api/v1/offers/{id}`: what is absent stays.
pub(super) async fn change(
    State(app): State<App>,
    requester: Requester,
    uri: Uri,
    PathId(offer_id): PathId,
    key: IdempotencyKey,
    body: Body,
) -> Result<Response, Problem> {
    let doc = document::parse(&body.0)?;
    let offer_id = OfferId(offer_id);
    // An offer never moves to another SKU, so this answer cannot go stale.
    let sku_id = app.ask(app.engine.queries().sku_of_offer(offer_id)).await?;
    let sku_id = sku_id.ok_or_else(|| problem_of(Failure::Refused(CatalogRefusal::OfferNotFound(offer_id).into())))?;
    let read = fields::read(&doc, |f| {
        f.read_only(&["offer_id", "sku_id", "currency"]);
        ChangeOffer {
            offer_id,
            sku_id,
            price: f.optional("price", money()),
            priority: f.optional("priority", int(i32::MIN..=i32::MAX)),
            valid_from: f.optional("valid_from", time()).map(Time),
            valid_to: match f.patch("valid_to", time()) {
                Patch::Keep => None,
                Patch::Clear => Some(None),
                Patch::Set(end) => Some(Some(Time(end))),
            },
            status: f.optional("status", choice(STATUSES)),
        }
    });
    let key = keyed(key, uri.path(), &doc);
    let command = app.judge::<ChangeOffer, _>(&requester.caller, key.as_ref().map(|key| &*key.0), read).await?;
    let done = app.submit(command, requester.ask(key)).await?;
    Ok(replayable(StatusCode::OK, done.is_replay, &OfferShape::of(&done.answer.0)))
}

/// `GET /api/v1/skus/{sku}/offers`: the newest first.
pub(super) async fn list(State(app): State<App>, PathName(sku_id): PathName, uri: Uri) -> Result<Response, Problem> {
    let (limit, after) = query::read(uri.query(), |q| (q.limit(), q.cursor("offers")))?;
    let sku = find(&app, &sku_id.into()).await?;
    let place = |offer: &Offer| (offer.created_at, offer.offer_id.0);
    let mut offers: Vec<&Offer> = sku.offers.iter().collect();
    offers.sort_by_key(|offer| std::cmp::Reverse(place(offer)));
    if let Some(after) = after {
        offers.retain(|offer| place(offer) < (Time(after.created_at_ms), after.id));
    }
    let more = offers.len() > usize::from(limit);
    offers.truncate(limit.into());
    let last = offers.last().filter(|_| more);
    let next_cursor = last.map(|offer| Cursor { created_at_ms: offer.created_at.0, id: offer.offer_id.0 }.encode("offers"));
    Ok(json(StatusCode::OK, &Page { items: offers.into_iter().map(OfferShape::of).collect(), next_cursor }))
}

/// `GET /api/v1/skus/{sku}/current-offer`: the one that an order placed now would be priced from.
pub(super) async fn current(State(app): State<App>, PathName(sku_id): PathName, _: NoQuery) -> Result<Response, Problem> {
    let sku = find(&app, &sku_id.into()).await?;
    let Some(offer) = sku.current_offer(app.engine.now()) else {
        return Err(Problem::new(StatusCode::NOT_FOUND, "NO_CURRENT_OFFER", "The SKU has no offer that counts now"));
    };
    let balance = app.ask(app.engine.queries().balance(&sku.sku_id)).await?;
    let is_in_stock = balance.as_ref().is_some_and(|balance| Balance::available(balance) > 0);
    let shape = OfferShape::of(offer);
    let effective_price = shape.price;
    Ok(json(StatusCode::OK, &CurrentOffer { offer: shape, effective_price, is_in_stock }))
}
