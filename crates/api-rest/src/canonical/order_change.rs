//! `PATCH /api/v1/orders/{id}`: what may still be changed of an order, field by field.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use domain::command::ChangeOrder;
use domain::ids::OrderId;

use super::order::{READ_ONLY, answered};
use crate::access::Requester;
use crate::app::{App, keyed};
use crate::input::address::{changed, changed_address};
use crate::input::canonical::canonical;
use crate::input::document;
use crate::input::fields;
use crate::input::rules::{identifier, metadata, multiline};
use crate::problem::Problem;
use crate::request::{Body, IdempotencyKey, PathId};
use crate::terms::Terms;

/// What is absent stays, `null` clears; addresses and metadata are replaced as a whole.
pub(super) async fn change(
    State(app): State<App>,
    requester: Requester,
    terms: Terms,
    uri: Uri,
    PathId(order_id): PathId,
    key: IdempotencyKey,
    body: Body,
) -> Result<Response, Problem> {
    let doc = document::parse(&body.0)?;
    let key = keyed(key, uri.path(), &doc);
    let read = fields::read(&doc, |f| {
        f.read_only(READ_ONLY);
        ChangeOrder {
            order_id: OrderId(order_id),
            shipping_address_id: changed(f.patch("shipping_address_id", identifier())),
            shipping_address: changed_address(f, &doc, "shipping_address"),
            billing_address_id: changed(f.patch("billing_address_id", identifier())),
            billing_address: changed_address(f, &doc, "billing_address"),
            notes: changed(f.patch("notes", multiline(0..=2000))),
            metadata: changed(f.patch("metadata", metadata())).map(|text: Option<Arc<str>>| text.unwrap_or_else(|| "{}".into())),
            is_same_json,
        }
    });
    let command = app.judge::<ChangeOrder, _>(&requester.caller, key.as_ref().map(|key| &*key.0), read).await?;
    let done = app.submit(command, terms.on(requester.ask(key))).await?;
    Ok(answered(StatusCode::OK, &done, &requester, &terms))
}

/// Whether two texts are the same document, however they are spelled.
fn is_same_json(one: &str, other: &str) -> bool {
    let spelled = |text: &str| document::parse_any(text.as_bytes()).ok().map(|doc| canonical(&doc));
    one == other || spelled(one).is_some_and(|one| spelled(other) == Some(one))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spelling_makes_no_difference_and_a_value_does() {
        for (one, other, expected) in [
            (r#"{"a":1,"b":[2]}"#, r#"{"b": [2], "a": 1}"#, true),
            ("{}", "{ }", true),
            (r#"{"a":1}"#, r#"{"a":2}"#, false),
            (r#"{"a":1.5}"#, r#"{"a":1.50}"#, false),
            ("", "", true),
            ("", "{}", false),
        ] {
            assert_eq!(is_same_json(one, other), expected, "{one} {other}");
        }
    }
}
