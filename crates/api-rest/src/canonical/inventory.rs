//! Stock: balances, and movements by hand or by other services.

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use domain::command::{BalanceAnswer, MoveStock};
use domain::stock::{Balance, Operation, StockRef};
use serde::Serialize;

use super::sku::find;
use crate::access::Requester;
use crate::answer::{json, replayable};
use crate::app::{App, keyed};
use crate::input::rules::{identifier, int, quantity};
use crate::input::{document, fields};
use crate::problem::{self, Problem};
use crate::request::{Body, IdempotencyKey, NoQuery, PathName, PathNames};

/// The most units that a correction may take or give at once.
const ADJUST_MAX: i64 = 1_000_000_000;

#[derive(Serialize)]
struct BalanceShape<'a> {
    sku_id: &'a str,
    on_hand_qty: i64,
    reserved_qty: i64,
    available_qty: i64,
    version: i64,
}

impl<'a> BalanceShape<'a> {
    fn of(sku_id: &'a str, balance: &Balance) -> Self {
        Self {
            sku_id,
            on_hand_qty: balance.on_hand,
            reserved_qty: balance.reserved,
            available_qty: balance.available(),
            version: balance.version,
        }
    }
}

/// `GET /api/v1/inventory/{sku}`: a SKU that never had stock reads as zeros.
pub(super) async fn read(State(app): State<App>, PathName(sku_id): PathName, _: NoQuery) -> Result<Response, Problem> {
    let sku_id = sku_id.into();
    let balance = match app.ask(app.engine.queries().balance(&sku_id)).await? {
        Some(balance) => balance,
        None => find(&app, &sku_id).await.map(|_| Balance::default())?,
    };
    Ok(json(StatusCode::OK, &BalanceShape::of(sku_id.as_str(), &balance)))
}

/// `POST /api/v1/inventory/{sku}/{reserve,release,deduct,restock,adjust}`
pub(super) async fn move_stock(
    State(app): State<App>,
    requester: Requester,
    uri: Uri,
    PathNames(sku_id, operation): PathNames,
    key: IdempotencyKey,
    body: Body,
) -> Result<Response, Problem> {
    let operation = match operation.as_str() {
        "reserve" => Operation::Reserve,
        "release" => Operation::Release,
        "deduct" => Operation::Deduct,
        "restock" => Operation::Restock,
        "adjust" => Operation::Adjust,
        _ => return Err(Problem::of(problem::NOT_FOUND)),
    };
    let doc = document::parse(&body.0)?;
    let key = keyed(key.or_in(&doc)?, uri.path(), &doc);
    let read = fields::read(&doc, |f| {
        f.known("idempotency_key");
        let qty = match operation {
            Operation::Adjust => f.required("qty", int(-ADJUST_MAX..=ADJUST_MAX).code("QUANTITY_OUT_OF_RANGE")),
            _ => f.required("qty", quantity()),
        };
        if qty == 0 && f.has("qty") {
            f.refuse("qty", "QUANTITY_OUT_OF_RANGE", "Must not be 0.");
        }
        let reference = StockRef {
            kind: f.optional("ref_type", identifier()).unwrap_or_else(|| "manual".into()).into(),
            id: f.optional("ref_id", identifier()).unwrap_or_else(|| "-".into()).into(),
        };
        MoveStock { sku_id: sku_id.as_str().into(), operation, qty, reference }
    });
    let command = app.judge::<MoveStock, _>(&requester.caller, key.as_ref().map(|key| &*key.0), read).await?;
    let done = app.submit(command, requester.ask(key)).await?;
    let BalanceAnswer { sku_id, balance } = &done.answer;
    Ok(replayable(StatusCode::OK, done.is_replay, &BalanceShape::of(sku_id.as_str(), balance)))
}
