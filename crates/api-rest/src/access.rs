//! Who may come in at which route. A route is added together with its policy; without one there is no way to add it.

use axum::Router;
use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use axum::routing::MethodRouter;
use domain::{Caller, Role};
use engine::Ask;
use std::sync::Arc;

use crate::app::App;
use crate::problem::{self, Problem};
use crate::request::RequestId;

/// The roles that may use a route; everybody else is refused.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Access(&'static [Role]);

impl Access {
    /// Every caller, each within what is his.
    pub(crate) const EVERYBODY: Self = Self(&[Role::Customer, Role::Support, Role::Service, Role::Admin]);
    /// Who buys: customers for themselves, services for anybody.
    pub(crate) const BUYERS: Self = Self(&[Role::Customer, Role::Service, Role::Admin]);
    /// Who looks things up for others.
    pub(crate) const STAFF: Self = Self(&[Role::Support, Role::Service, Role::Admin]);
    /// Who oversees the service.
    pub(crate) const OVERSEERS: Self = Self(&[Role::Support, Role::Admin]);
    /// Other services of the house.
    pub(crate) const SERVICES: Self = Self(&[Role::Service, Role::Admin]);
    /// Who runs the shop.
    pub(crate) const ADMINS: Self = Self(&[Role::Admin]);

    fn admits(self, role: Role) -> bool {
        self.0.contains(&role)
    }
}

/// Routes, each with its policy.
pub(crate) struct Doors(Router<App>);

impl Doors {
    /// None yet.
    pub(crate) fn new() -> Self {
        Self(Router::new())
    }

    /// Adds what `methods` does at `path`, for whom `access` admits.
    pub(crate) fn open(self, path: &str, access: Access, methods: MethodRouter<App>) -> Self {
        let guard = from_fn(move |request: Request, next: Next| guard(access, request, next));
        Self(self.0.route(path, methods.layer(guard)))
    }

    /// All of them.
    pub(crate) fn into_router(self) -> Router<App> {
        self.0
    }
}

async fn guard(access: Access, request: Request, next: Next) -> Response {
    // Only the identity layer puts a caller there: without it, nobody comes in.
    match request.extensions().get::<Caller>() {
        Some(caller) if access.admits(caller.role) => next.run(request).await,
        Some(_) => Problem::of(problem::FORBIDDEN).into_response(),
        None => Problem::of(problem::UNAUTHENTICATED).into_response(),
    }
}

/// Who asks, and under which request id.
#[derive(Clone, Debug)]
pub(crate) struct Requester {
    /// Who.
    pub(crate) caller: Caller,
    request_id: Arc<str>,
}

impl Requester {
    /// Asks for a command, under a key or none.
    pub(crate) fn ask(&self, key: Option<(Arc<str>, domain::key::Fingerprint)>) -> Ask {
        Ask { key, ..Ask::of(self.caller.clone(), self.request_id.clone()) }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Requester {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let caller = parts.extensions.get::<Caller>().cloned().ok_or_else(|| Problem::of(problem::UNAUTHENTICATED))?;
        let request_id = RequestId::from_request_parts(parts, state).await?.as_str().into();
        Ok(Self { caller, request_id })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_policy_admits_exactly_its_roles() {
        use Role::{Admin, Customer, Service, Support};
        for (access, admitted) in [
            (Access::EVERYBODY, &[Customer, Support, Service, Admin][..]),
            (Access::BUYERS, &[Customer, Service, Admin]),
            (Access::STAFF, &[Support, Service, Admin]),
            (Access::OVERSEERS, &[Support, Admin]),
            (Access::SERVICES, &[Service, Admin]),
            (Access::ADMINS, &[Admin]),
        ] {
            for role in [Customer, Support, Service, Admin] {
                assert_eq!(access.admits(role), admitted.contains(&role), "{access:?} {role:?}");
            }
        }
    }
}
