//! The tickets door, `/orders`: a priced gateway places, confirms, cancels and reads orders for held tickets.
//!
//! It has three words for the state of an order and a short form for errors.

mod order;
mod shape;

use axum::Router;
use axum::middleware::map_response;
use axum::routing::{get, post};

use crate::access::{Access, Doors};
use crate::app::App;
use crate::problem::Problem;

/// Every route of this door.
pub(crate) fn router() -> Router<App> {
    Doors::new()
        .open("/orders", Access::SERVICES, post(order::place))
        .open("/orders/{order_id}", Access::STAFF, get(order::read))
        .open("/orders/{order_id}/confirm", Access::SERVICES, post(order::confirm))
        .open("/orders/{order_id}/cancel", Access::SERVICES, post(order::cancel))
        .into_router()
        .layer(map_response(async |response| Problem::in_tickets_form(response)))
}
