//! SKUs: what can be sold.

use std::fmt::Write as _;

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use domain::catalog::{Sku, SkuStatus};
use domain::command::PutSku;
use domain::ids::SkuId;
use domain::refusal::CatalogRefusal;
use engine::{Failure, port};
use serde::Serialize;

use crate::access::Requester;
use crate::answer::{json, replayable};
use crate::app::{App, keyed};
use crate::input::rules::{choice, identifier, text};
use crate::input::{document, fields, query};
use crate::output::page::Page;
use crate::problem::Problem;
use crate::refusals::problem_of;
use crate::request::{Body, IdempotencyKey, NoQuery, PathName};

const STATUSES: &[(&str, SkuStatus)] = &[("ACTIVE", SkuStatus::Active), ("INACTIVE", SkuStatus::Inactive)];

#[derive(Serialize)]
struct SkuShape<'a> {
    sku_id: &'a str,
    product_id: &'a str,
    name: &'a str,
    status: &'static str,
    tax_class: &'a str,
    title: Option<&'a str>,
    author: Option<&'a str>,
}

impl<'a> SkuShape<'a> {
    fn of(sku: &'a Sku) -> Self {
        Self {
            sku_id: sku.sku_id.as_str(),
            product_id: sku.product_id.as_str(),
            name: &sku.name,
            status: sku.status.as_str(),
            tax_class: &sku.tax_class,
            title: sku.title.as_deref(),
            author: sku.author.as_deref(),
        }
    }
}

/// `PUT /api/v1/skus/{sku}`: 201 when it is new, else 200.
pub(super) async fn put(
    State(app): State<App>,
    requester: Requester,
    uri: Uri,
    PathName(sku_id): PathName,
    key: IdempotencyKey,
    body: Body,
) -> Result<Response, Problem> {
    let doc = document::parse(&body.0)?;
    let read = fields::read(&doc, |f| PutSku {
        sku_id: sku_id.as_str().into(),
        product_id: f.required("product_id", identifier()).into(),
        name: f.required("name", text(1..=255)).into(),
        status: f.optional("status", choice(STATUSES)).unwrap_or(SkuStatus::Active),
        tax_class: f.optional("tax_class", identifier()).unwrap_or_else(|| "standard".into()).into(),
        title: f.optional("title", text(1..=255)).map(Into::into),
        author: f.optional("author", text(1..=255)).map(Into::into),
    });
    let key = keyed(key, uri.path(), &doc);
    let command = app.judge::<PutSku, _>(&requester.caller, key.as_ref().map(|key| &*key.0), read).await?;
    let done = app.submit(command, requester.ask(key)).await?;
    let status = if done.answer.is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok(replayable(status, done.is_replay, &SkuShape::of(&done.answer.sku)))
}

/// `GET /api/v1/skus/{sku}`
pub(super) async fn read(State(app): State<App>, PathName(sku_id): PathName, _: NoQuery) -> Result<Response, Problem> {
    let sku = find(&app, &sku_id.into()).await?;
    Ok(json(StatusCode::OK, &SkuShape::of(&sku)))
}

/// The SKU, or 404.
pub(super) async fn find(app: &App, sku_id: &SkuId) -> Result<std::sync::Arc<Sku>, Problem> {
    let sku = app.ask(app.engine.queries().sku(sku_id)).await?;
    sku.ok_or_else(|| problem_of(Failure::Refused(CatalogRefusal::SkuNotFound(sku_id.clone()).into())))
}

/// `GET /api/v1/skus?product_id=`: in the order of their ids.
pub(super) async fn list(State(app): State<App>, uri: Uri) -> Result<Response, Problem> {
    let (product_id, limit, after) =
        query::read(uri.query(), |q| (q.optional("product_id", identifier()), q.limit(), q.cursor_read_by(decode)))?;
    let page = port::Page { after, limit: u32::from(limit) + 1 };
    let mut skus = app.ask(app.engine.queries().skus(product_id.map(Into::into).as_ref(), page)).await?;
    let more = skus.len() > usize::from(limit);
    skus.truncate(limit.into());
    let next_cursor = skus.last().filter(|_| more).map(|sku| encode(&sku.sku_id));
    Ok(json(StatusCode::OK, &Page { items: skus.iter().map(|sku| SkuShape::of(sku)).collect(), next_cursor }))
}

/// The last SKU of a page: its bytes in hexadecimal, behind the version of the form.
fn encode(sku_id: &SkuId) -> String {
    sku_id.as_str().bytes().fold("1".to_owned(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes every character");
        text
    })
}

fn decode(cursor: &str) -> Option<SkuId> {
    let digits = cursor.strip_prefix('1').filter(|digits| digits.is_ascii() && !digits.is_empty())?;
    let bytes: Option<Vec<u8>> = digits
        .as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?, 16).ok())
        .collect();
    String::from_utf8(bytes?).ok().map(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_and_a_forged_one_does_not() {
        for sku_id in ["a", "SKU-1", "größe/ä", "日本"] {
            assert_eq!(decode(&encode(&sku_id.into())), Some(sku_id.into()));
        }
        for forged in ["", "1", "2616", "161z", "16", "1ff", "é"] {
            assert_eq!(decode(forged).filter(|id| encode(id) != forged), None, "{forged}");
        }
    }
}
