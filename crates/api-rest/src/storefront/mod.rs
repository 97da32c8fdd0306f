//! The storefront door, `/api/orders`: customers order products, the shop's administrators move orders on.
//!
//! It speaks the words and the field names of the order service's own tables. Orders of every door are seen here.

mod list;
mod order;
mod shape;
mod status;
mod word;

#[cfg(test)]
mod tests;

use axum::Router;
use axum::routing::{get, post, put};

use crate::access::{Access, Doors};
use crate::app::App;

/// Every route of this door.
pub(crate) fn router() -> Router<App> {
    Doors::new()
        .open("/api/orders", Access::BUYERS, post(order::place))
        .open("/api/orders", Access::EVERYBODY, get(list::list))
        .open("/api/orders/{order_id}", Access::EVERYBODY, get(order::read))
        .open("/api/orders/{order_id}/status", Access::ADMINS, put(status::update))
        .open("/api/orders/{order_id}/tracking", Access::EVERYBODY, get(order::tracking))
        .open("/api/orders/{order_id}/cancel", Access::EVERYBODY, post(status::cancel))
        .into_router()
}
