//! The tickets door, `/orders`: a priced gateway places, confirms, cancels and reads orders for held tickets.
//!
//! It has three words for the state of an order and a short form for errors.

mod order;
mod shape;

use axum::Router;
use axum::routing::{get, post};

use crate::access::{Access, Doors};
use crate::app::App;

/// Every route of this door.
pub(crate) fn router() -> Router<App> {
    Doors::new()
        .open("/orders", Access::SERVICES, post(order::place))
        .open("/orders/{order_id}", Access::STAFF, get(order::read))
        .open("/orders/{order_id}/confirm", Access::SERVICES, post(order::confirm))
        .open("/orders/{order_id}/cancel", Access::SERVICES, post(order::cancel))
        .into_router()
}

/// Whether an address is of this door, be there a route or not: its refusals have its form.
pub(crate) fn has(path: &str) -> bool {
    path.strip_prefix("/orders").is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_address_is_of_this_door_or_not() {
        for (path, expected) in
            [("/orders", true), ("/orders/", true), ("/orders/1/x", true), ("/ordersx", false), ("/api/v1/orders", false)]
        {
            assert_eq!(super::has(path), expected, "{path}");
        }
    }
}
