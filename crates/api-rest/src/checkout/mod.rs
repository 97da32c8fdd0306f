//! The checkout door, `/checkout`: a session takes a cart to its order.

mod session;
mod shape;

use axum::Router;
use axum::routing::{get, post, put};

use crate::access::{Access, Doors};
use crate::app::App;

/// Every route of this door.
pub(crate) fn router() -> Router<App> {
    Doors::new()
        .open("/checkout/start", Access::BUYERS, post(session::start))
        .open("/checkout/state", Access::BUYERS, put(session::update))
        .open("/checkout/confirm", Access::BUYERS, post(session::confirm))
        .open("/checkout/{session_id}", Access::EVERYBODY, get(session::read))
        .into_router()
}
