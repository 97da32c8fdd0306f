//! For operators and orchestrators: is it alive, is it ready, what does it count, what is it.

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use engine::port::Unavailable;
use serde::Serialize;

use crate::answer::json;
use crate::app::App;

/// An orchestrator asks every few seconds and gives up sooner than a buyer.
const READY_WITHIN: Duration = Duration::from_secs(2);

/// Where the metrics stand.
pub(crate) const METRICS: &str = "/metrics";

/// Open to everybody who reaches the listener; they tell nothing about any order.
pub(crate) fn router() -> Router<App> {
    Router::new().route("/livez", get(alive)).route("/readyz", get(ready)).route(METRICS, get(metrics)).route("/version", get(version))
}

#[derive(Serialize)]
struct Standing {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    checks: Checks,
}

#[derive(Serialize)]
struct Checks {
    store: &'static str,
    waiting_commands: usize,
    outbox_pending: Option<i64>,
}

/// The process runs, whatever else is away.
async fn alive() -> Response {
    #[derive(Serialize)]
    struct Alive {
        status: &'static str,
    }
    json(StatusCode::OK, &Alive { status: "alive" })
}

/// 503 only when the store is away, its schema does not fit, or the service is stopping.
async fn ready(State(app): State<App>) -> Response {
    let waiting_commands = app.engine.waiting();
    if app.engine.is_closed() {
        let checks = Checks { store: "unknown", waiting_commands, outbox_pending: None };
        let standing = Standing { status: "stopping", reason: Some("the service is stopping".into()), checks };
        return json(StatusCode::SERVICE_UNAVAILABLE, &standing);
    }
    let silent = || Err(Unavailable::new("it did not answer in time"));
    let ready = tokio::time::timeout(READY_WITHIN, app.engine.queries().ready()).await;
    match ready.unwrap_or_else(|_| silent()) {
        Ok(()) => {
            let outbox_pending = app.engine.queries().outbox().await.ok().map(|outbox| outbox.pending);
            let checks = Checks { store: "ok", waiting_commands, outbox_pending };
            json(StatusCode::OK, &Standing { status: "ready", reason: None, checks })
        }
        Err(away) => {
            tracing::warn!(%away, "not ready");
            let checks = Checks { store: "away", waiting_commands, outbox_pending: None };
            let reason = Some("the store is away or its schema does not fit; the log says more".into());
            json(StatusCode::SERVICE_UNAVAILABLE, &Standing { status: "not ready", reason, checks })
        }
    }
}

async fn metrics(State(app): State<App>) -> Response {
    if let Ok(outbox) = app.engine.queries().outbox().await {
        #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
        metrics::gauge!("outbox_pending").set(outbox.pending as f64);
    }
    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
    metrics::gauge!("engine_waiting_commands").set(app.engine.waiting() as f64);
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], app.options.metrics.render()).into_response()
}

async fn version(State(app): State<App>) -> Response {
    #[derive(Serialize)]
    struct Version {
        name: &'static str,
        version: &'static str,
    }
    json(StatusCode::OK, &Version { name: "ordo", version: app.options.version })
}
