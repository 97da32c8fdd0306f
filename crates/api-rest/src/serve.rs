//! Serves connections: limits what a slow or hostile client can hold, and ends quickly when told to.

use std::io;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use engine::StopSignal;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tower::ServiceExt as _;

/// A header that has not come by then does not come: one byte every ten seconds holds nobody's connection.
const HEADER_WITHIN: Duration = Duration::from_secs(10);
/// More than any client of ours sends; hyper answers 431 beyond it.
const HEADERS_MAX: usize = 100;
const HEADER_BYTES_MAX: usize = 32 * 1024;
/// After an error of `accept` (no file descriptors left), others may close theirs meanwhile.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);

/// Serves `router` until `stop` turns true; then answers what is under way, for at most `within`.
pub async fn serve(listener: TcpListener, router: Router, mut stop: StopSignal, within: Duration) -> io::Result<()> {
    let graceful = GracefulShutdown::new();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEADER_WITHIN)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEADER_BYTES_MAX)
        .half_close(false);
    loop {
        let stream = tokio::select! {
            () = stop.given() => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_AGAIN).await;
                    continue;
                }
            },
        };
        // Small answers must not wait for the peer's acknowledgement. A socket that refuses this is gone already.
        let _gone = stream.set_nodelay(true);
        let service = router.clone().map_request(|request: Request<Incoming>| request.map(axum::body::Body::new));
        let connection = http.serve_connection(TokioIo::new(stream), hyper_util::service::TowerToHyperService::new(service));
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
        });
    }
    drop(listener);
    if tokio::time::timeout(within, graceful.shutdown()).await.is_err() {
        tracing::warn!("some connections did not end in time");
    }
    Ok(())
}
