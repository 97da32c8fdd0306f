//! The HTTP doors: canonical `/api/v1`, checkout `/checkout`, tickets `/orders`, storefront `/api/orders`, internal `/internal`, and what operators
//! look at.
//!
//! A door translates, submits, translates. No rule of the business, no SQL, no clock.

mod access;
mod answer;
mod app;
mod canonical;
mod checkout;
mod input;
mod internal;
mod layer;
mod output;
#[cfg_attr(not(test), expect(dead_code, reason = "the table of refusals is whole; the doors so far use most of it"))]
mod problem;
mod refusals;
mod request;
mod serve;
mod storefront;
mod system;
mod terms;
mod tickets;

use axum::Router;
use axum::middleware::from_fn_with_state;

pub use app::{App, AppOptions};
pub use serve::serve;

/// Every route, ready to be served.
pub fn router(app: App) -> Router {
    served(Router::new().merge(doors()).merge(system::router()), app)
}

/// The doors alone, where operators look at another listener.
pub fn doors_router(app: App) -> Router {
    served(doors(), app)
}

/// What operators look at, alone.
pub fn admin_router(app: App) -> Router {
    served(system::router(), app)
}

fn doors() -> Router<App> {
    Router::new()
        .merge(canonical::router())
        .merge(checkout::router())
        .merge(tickets::router())
        .merge(storefront::router())
        .merge(internal::router())
}

fn served(routes: Router<App>, app: App) -> Router {
    routes
        .fallback(layer::no_such_route)
        .method_not_allowed_fallback(layer::no_such_method)
        .layer(from_fn_with_state(app.clone(), layer::around))
        .with_state(app)
}
