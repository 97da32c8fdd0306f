//! Carts: of a customer or a guest's session, one at a time.

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use domain::Caller;
use domain::cart::{Cart, CartLine, CartOwner};
use domain::command::{CartAnswer, CartChange, ChangeCart, MergeCarts};
use domain::ids::{CartItemId, SessionId, SkuId, UserId};
use domain::money::Currency;
use domain::refusal::CartRefusal;
use engine::{Done, Failure};
use serde::Serialize;
use uuid::Uuid;

use crate::access::Requester;
use crate::answer::{json, replayable};
use crate::app::{App, Call};
use crate::input::document::{self, Doc};
use crate::input::fields::Fields;
use crate::input::query;
use crate::input::rules::{Broken, identifier, quantity};
use crate::output::amount::Amount;
use crate::problem::Problem;
use crate::refusals::problem_of;
use crate::request::{Body, NoQuery, PathId};
use crate::terms::tag;

#[derive(Serialize)]
struct CartShape<'a> {
    cart_id: Option<Uuid>,
    user_id: Option<&'a str>,
    session_id: Option<&'a str>,
    is_active: bool,
    currency: Option<&'static str>,
    version: i64,
    items: Vec<ItemShape<'a>>,
}

#[derive(Serialize)]
pub(crate) struct ItemShape<'a> {
    cart_item_id: Uuid,
    sku_id: &'a str,
    qty: i64,
    unit_price: Amount,
}

impl<'a> CartShape<'a> {
    /// The cart that the owner fills; without one, as one in which there is nothing.
    fn of(owner: &'a CartOwner, cart: Option<&'a Cart>) -> Self {
        Self {
            cart_id: cart.map(|cart| cart.cart_id.0),
            user_id: owner.user_id().map(UserId::as_str),
            session_id: owner.session_id().map(SessionId::as_str),
            is_active: cart.is_some(),
            currency: cart.and_then(|cart| cart.currency).map(Currency::code),
            version: cart.map_or(0, |cart| cart.version),
            items: cart.map(items).unwrap_or_default(),
        }
    }
}

/// What is in a cart.
pub(crate) fn items(cart: &Cart) -> Vec<ItemShape<'_>> {
    // An empty cart has no currency, and no amount to show in it.
    let currency = cart.currency.unwrap_or(Currency::USD);
    let item = |line| {
        let CartLine { cart_item_id, sku_id, qty, unit_price, .. }: &CartLine = line;
        ItemShape { cart_item_id: cart_item_id.0, sku_id: sku_id.as_str(), qty: *qty, unit_price: Amount { minor: *unit_price, currency } }
    };
    cart.lines.iter().map(item).collect()
}

/// A cart after a command, with its version as its tag.
fn answered(call: &Call, status: StatusCode, done: &Done<CartAnswer>) -> Response {
    let CartAnswer { owner, cart } = &done.answer;
    let shape = CartShape::of(owner, cart.as_deref());
    call.terms.answered(replayable(status, done.is_replay, &shape), shape.version, done.is_replay)
}

/// Exactly one of the two names; of a customer, who needs none, his own.
fn owner_of(user_id: Option<String>, session_id: Option<String>, caller: &Caller) -> Result<CartOwner, Broken> {
    match (user_id, session_id, caller.only_own()) {
        (Some(user_id), None, _) => Ok(CartOwner::User(user_id.into())),
        (None, Some(session_id), _) => Ok(CartOwner::Session(session_id.into())),
        (None, None, Some(own)) => Ok(CartOwner::User(own.into())),
        (None, None, None) => Err(Broken::new("REQUIRED", "Is required; or session_id in its place.")),
        (Some(_), Some(_), _) => Err(Broken::new("EXCLUSIVE", "A cart is a user's or a session's: give one of the two.")),
    }
}

/// The owner that a body names.
fn owner_in(f: &mut Fields<'_>, caller: &Caller) -> CartOwner {
    let (user_id, session_id) = (f.optional("user_id", identifier()), f.optional("session_id", identifier()));
    owner_of(user_id, session_id, caller).unwrap_or_else(|broken| {
        // One that was sent and is not there is broken in itself, and was told.
        if f.has("user_id") == f.has("session_id") {
            f.broken("user_id", broken);
        }
        CartOwner::Session("".into())
    })
}

/// The owner that a query names.
fn owner_asked(uri: &Uri, requester: &Requester) -> Result<CartOwner, Problem> {
    query::read(uri.query(), |q| {
        let (user_id, session_id) = (q.optional("user_id", identifier()), q.optional("session_id", identifier()));
        owner_of(user_id, session_id, &requester.caller).unwrap_or_else(|broken| {
            // As in a body.
            if q.has("user_id") == q.has("session_id") {
                q.broken("user_id", broken);
            }
            CartOwner::Session("".into())
        })
    })
}

/// `GET /api/v1/cart?user_id=` or `?session_id=`: without a cart one in which there is nothing.
pub(super) async fn read(State(app): State<App>, requester: Requester, uri: Uri) -> Result<Response, Problem> {
    let owner = owner_asked(&uri, &requester)?;
    if !is_open_to(&owner, &requester.caller) {
        return Err(problem_of(Failure::Refused(CartRefusal::ForeignOwner.into())));
    }
    let cart = app.ask(app.engine.queries().cart(&owner)).await?.filter(|cart| cart.is_active());
    let shape = CartShape::of(&owner, cart.as_deref());
    let mut response = json(StatusCode::OK, &shape);
    tag(&mut response, shape.version);
    Ok(response)
}

/// A session belongs to whoever knows it.
fn is_open_to(owner: &CartOwner, caller: &Caller) -> bool {
    owner.user_id().is_none_or(|user_id| caller.sees(Some(user_id)))
}

/// `POST /api/v1/cart/items`
pub(super) async fn add(call: Call, _: NoQuery, body: Body) -> Result<Response, Problem> {
    let doc = document::parse(&body.0)?;
    let done = call.carry_out(&doc, |f| {
        f.read_only(&["unit_price", "price"]);
        ChangeCart {
            owner: owner_in(f, &call.requester.caller),
            change: CartChange::Add { sku_id: f.required("sku_id", identifier()).into(), qty: f.required("qty", quantity()) },
        }
    });
    let done = done.await?;
    let status = if done.is_replay || call.terms.dry_run { StatusCode::OK } else { StatusCode::CREATED };
    Ok(answered(&call, status, &done))
}

/// Whose line it is, and of which SKU. A line never moves to another cart or SKU, so this answer cannot go stale.
async fn whose(call: &Call, cart_item_id: CartItemId) -> Result<(CartOwner, SkuId), Problem> {
    let found = call.app.ask(call.app.engine.queries().owner_of_cart_item(cart_item_id)).await?;
    let found = found.filter(|(owner, _)| is_open_to(owner, &call.requester.caller));
    found.ok_or_else(|| problem_of(Failure::Refused(CartRefusal::ItemNotFound(cart_item_id).into())))
}

/// `PATCH /api/v1/cart/items/{id}`: how many there shall be; the price is read again.
pub(super) async fn set(call: Call, PathId(cart_item_id): PathId, _: NoQuery, body: Body) -> Result<Response, Problem> {
    let doc = document::parse(&body.0)?;
    let cart_item_id = CartItemId(cart_item_id);
    let (owner, sku_id) = whose(&call, cart_item_id).await?;
    let done = call.carry_out(&doc, |f| {
        f.read_only(&["cart_item_id", "sku_id", "unit_price", "price"]);
        ChangeCart { owner, change: CartChange::Set { cart_item_id, sku_id, qty: f.required("qty", quantity()) } }
    });
    Ok(answered(&call, StatusCode::OK, &done.await?))
}

/// `DELETE /api/v1/cart/items/{id}`
pub(super) async fn remove(call: Call, PathId(cart_item_id): PathId, _: NoQuery) -> Result<Response, Problem> {
    let cart_item_id = CartItemId(cart_item_id);
    let (owner, _) = whose(&call, cart_item_id).await?;
    let done = call.submit(ChangeCart { owner, change: CartChange::Remove { cart_item_id } }, &nothing()).await?;
    Ok(answered(&call, StatusCode::OK, &done))
}

/// `DELETE /api/v1/cart/items?user_id=` or `?session_id=`: takes everything out.
pub(super) async fn clear(call: Call, uri: Uri) -> Result<Response, Problem> {
    let owner = owner_asked(&uri, &call.requester)?;
    // For the fingerprint: whose cart it is stands in the query alone.
    let doc = Doc::Object(vec![("owner".to_owned(), Doc::String(owner.to_string()))]);
    let done = call.submit(ChangeCart { owner, change: CartChange::Clear }, &doc).await?;
    Ok(answered(&call, StatusCode::OK, &done))
}

/// `POST /api/v1/cart/merge`: a guest logs in.
pub(super) async fn merge(call: Call, _: NoQuery, body: Body) -> Result<Response, Problem> {
    let doc = document::parse(&body.0)?;
    let done = call.carry_out(&doc, |f| {
        let own = call.requester.caller.only_own().map(str::to_owned);
        MergeCarts {
            session_id: f.required("session_id", identifier()).into(),
            user_id: match own {
                Some(own) => f.optional("user_id", identifier()).unwrap_or(own).into(),
                None => f.required("user_id", identifier()).into(),
            },
        }
    });
    Ok(answered(&call, StatusCode::OK, &done.await?))
}

/// What a call without a body says.
fn nothing() -> Doc {
    Doc::Object(Vec::new())
}
