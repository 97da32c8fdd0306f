//! The internal door, `/internal`: other services of the house tell what happened to an order.

mod event;

use axum::Router;
use axum::routing::post;

use crate::access::{Access, Doors};
use crate::app::App;

/// Every route of this door.
pub(crate) fn router() -> Router<App> {
    Doors::new().open("/internal/orders/{order_id}/events", Access::SERVICES, post(event::hear)).into_router()
}
