//! The canonical door, `/api/v1`: catalogue, stock, carts, orders, payments.

pub(crate) mod cart;
mod hold;
mod inventory;
mod offer;
pub(crate) mod order;
mod order_change;
mod order_shape;
mod order_stream;
mod order_why;
mod payment;
mod refund;
mod shipment;
mod sku;
mod task;

use axum::Router;
use axum::routing::{get, patch, post, put};

use crate::access::{Access, Doors};
use crate::app::App;

/// Every route of this door.
pub(crate) fn router() -> Router<App> {
    Doors::new()
        .open("/api/v1/skus", Access::EVERYBODY, get(sku::list))
        .open("/api/v1/skus/{sku_id}", Access::EVERYBODY, get(sku::read))
        .open("/api/v1/skus/{sku_id}", Access::SERVICES, put(sku::put))
        .open("/api/v1/skus/{sku_id}/offers", Access::EVERYBODY, get(offer::list))
        .open("/api/v1/skus/{sku_id}/current-offer", Access::EVERYBODY, get(offer::current))
        .open("/api/v1/offers", Access::SERVICES, post(offer::create))
        .open("/api/v1/offers/{offer_id}", Access::SERVICES, patch(offer::change))
        .open("/api/v1/inventory/{sku_id}", Access::STAFF, get(inventory::read))
        .open("/api/v1/inventory/{sku_id}/{operation}", Access::SERVICES, post(inventory::move_stock))
        .open("/api/v1/holds", Access::SERVICES, post(hold::place))
        .open("/api/v1/holds/{hold_id}", Access::STAFF, get(hold::read))
        .open("/api/v1/holds/{hold_id}/release", Access::SERVICES, post(hold::release))
        .open("/api/v1/cart", Access::EVERYBODY, get(cart::read))
        .open("/api/v1/cart/items", Access::BUYERS, post(cart::add).delete(cart::clear))
        .open("/api/v1/cart/items/{cart_item_id}", Access::BUYERS, patch(cart::set).delete(cart::remove))
        .open("/api/v1/cart/merge", Access::BUYERS, post(cart::merge))
        .open("/api/v1/orders", Access::BUYERS, post(order::place))
        .open("/api/v1/orders", Access::EVERYBODY, get(order::list))
        .open("/api/v1/orders/{order_id}", Access::EVERYBODY, get(order::read))
        .open("/api/v1/orders/{order_id}", Access::BUYERS, patch(order_change::change))
        .open("/api/v1/orders/{order_id}/events", Access::EVERYBODY, get(order::events))
        .open("/api/v1/orders/{order_id}/stream", Access::EVERYBODY, get(order_stream::follow))
        .open("/api/v1/orders/{order_id}/why", Access::EVERYBODY, get(order_why::read))
        .open("/api/v1/orders/{order_id}/cancel", Access::EVERYBODY, post(order::cancel))
        .open("/api/v1/payments", Access::BUYERS, post(payment::create))
        .open("/api/v1/payments/{payment_id}", Access::EVERYBODY, get(payment::read))
        .open("/api/v1/payments/{payment_id}/mock/complete", Access::SERVICES, post(payment::mock_complete))
        .open("/api/v1/payments/{payment_id}/collect", Access::SERVICES, post(payment::collect))
        .open("/api/v1/refunds/{refund_id}", Access::EVERYBODY, get(refund::read))
        .open("/api/v1/ops-tasks", Access::OVERSEERS, get(task::list))
        .into_router()
}
