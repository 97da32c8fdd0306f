//! Serves connections: which service a call is for, how long it may take, and what a slow or hostile client can hold.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use engine::StopSignal;
use http::HeaderValue;
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::{Code, Status};
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::{HealthReporter, HealthService};
use tower::Service;

use crate::DESCRIPTORS;
use crate::app::App;
use crate::checkout_v1::checkout_service_server::CheckoutServiceServer;
use crate::head::{Head, X_REQUEST_ID};
use crate::order_v1::order_service_server::OrderServiceServer;
use crate::problem::Problem;

/// The largest message, in bytes; as the largest body at the HTTP doors.
const MESSAGE_BYTES_MAX: usize = 1024 * 1024;
/// A message that has not come by then does not come.
const MESSAGE_WITHIN: Duration = Duration::from_secs(10);
/// All fields of a head together, as at the HTTP doors.
const HEADER_BYTES_MAX: u32 = 16 * 1024;
/// Calls that one connection may have open; the next one waits at its client.
const STREAMS_MAX: u32 = 256;
/// A peer that is gone without a word is noticed, and one in between does not take a quiet stream for dead.
const BEAT_EVERY: Duration = Duration::from_secs(15);
const BEAT_WITHIN: Duration = Duration::from_secs(10);
/// After an error of `accept` (no file descriptors left), others may close theirs meanwhile.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);
/// What streams have to hear of the end, once all other calls are answered.
const FAREWELL: Duration = Duration::from_millis(500);
/// How often it is looked whether the store is there.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// More than can be open: the machine has no such number of sockets.
const CALLS_MAX: u32 = 1 << 24;

type Answer = Pin<Box<dyn Future<Output = Result<http::Response<Body>, Infallible>> + Send>>;

/// Serves the door until `stop` turns true; then answers what is under way, for at most `within`.
pub async fn serve(listener: TcpListener, app: App, mut stop: StopSignal, within: Duration) -> io::Result<()> {
    let health = HealthReporter::new();
    tokio::spawn(tell_health(app.clone(), health.clone(), stop.clone()));
    let routes = Routes::new(app, health)?;
    let graceful = GracefulShutdown::new();
    let mut http = http2::Builder::new(TokioExecutor::new());
    http.timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(HEADER_BYTES_MAX)
        .keep_alive_interval(BEAT_EVERY)
        .keep_alive_timeout(BEAT_WITHIN);
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
        let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes.clone())));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
        });
    }
    drop(listener);
    let calls = routes.calls.clone();
    let end = async {
        tokio::select! {
            () = graceful.shutdown() => {}
            // Who does not read what he is told is not waited for.
            () = async {
                let _all = calls.acquire_many(CALLS_MAX).await;
                tokio::time::sleep(FAREWELL).await;
            } => {}
        }
    };
    if tokio::time::timeout(within, end).await.is_err() {
        tracing::warn!("some calls did not end in time");
    }
    Ok(())
}

/// Tells whether the service serves: while its store is there, and until it stops.
async fn tell_health(app: App, health: HealthReporter, mut stop: StopSignal) {
    let services = ["", CheckoutServiceServer::<App>::NAME, OrderServiceServer::<App>::NAME];
    loop {
        let is_ready =
            !stop.is_given() && tokio::time::timeout(LOOK_EVERY, app.engine.queries().ready()).await.is_ok_and(|ready| ready.is_ok());
        let status = if is_ready { ServingStatus::Serving } else { ServingStatus::NotServing };
        for service in services {
            health.set_service_status(service, status).await;
        }
        if stop.is_given() {
            return;
        }
        tokio::select! {
            () = stop.given() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

/// Which service a call is for.
#[derive(Clone)]
struct Routes {
    app: App,
    checkout: CheckoutServiceServer<App>,
    order: OrderServiceServer<App>,
    health: HealthServer<HealthService>,
    reflection: Reflection,
    /// A permit for each call that is answered once.
    calls: Arc<Semaphore>,
}

/// Both versions of reflection, by how their services are called: their types have no names.
#[derive(Clone)]
struct Reflection {
    v1: Arc<dyn Fn(http::Request<Incoming>) -> Answer + Send + Sync>,
    v1alpha: Arc<dyn Fn(http::Request<Incoming>) -> Answer + Send + Sync>,
}

/// Calls a clone of `service`.
fn called<S>(service: S) -> Arc<dyn Fn(http::Request<Incoming>) -> Answer + Send + Sync>
where
    S: Service<http::Request<Incoming>, Response = http::Response<Body>, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
{
    Arc::new(move |request| Box::pin(service.clone().call(request)))
}

impl Routes {
    fn new(app: App, health: HealthReporter) -> io::Result<Self> {
        let shown = || {
            tonic_reflection::server::Builder::configure()
                .register_encoded_file_descriptor_set(DESCRIPTORS)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        };
        Ok(Self {
            checkout: CheckoutServiceServer::new(app.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX),
            order: OrderServiceServer::new(app.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX),
            health: HealthServer::new(HealthService::from_health_reporter(health)),
            reflection: Reflection {
                v1: called(shown().build_v1().map_err(io::Error::other)?),
                v1alpha: called(shown().build_v1alpha().map_err(io::Error::other)?),
            },
            app,
            calls: Arc::new(Semaphore::new(usize::try_from(CALLS_MAX).unwrap_or(Semaphore::MAX_PERMITS))),
        })
    }

    fn service(&self, request: http::Request<Incoming>) -> Option<Answer> {
        let (service, _) = request.uri().path().strip_prefix('/')?.split_once('/')?;
        Some(match service {
            CheckoutServiceServer::<App>::NAME => Box::pin(self.checkout.clone().call(request)),
            OrderServiceServer::<App>::NAME => Box::pin(self.order.clone().call(request)),
            "grpc.health.v1.Health" => Box::pin(self.health.clone().call(request)),
            "grpc.reflection.v1.ServerReflection" => (self.reflection.v1)(request),
            "grpc.reflection.v1alpha.ServerReflection" => (self.reflection.v1alpha)(request),
            _ => return None,
        })
    }
}

/// The methods that answer once, as labels of the measure: what callers make up is no label.
const METHODS: &[&str] = &[
    "/ordo.checkout.v1.CheckoutService/StartCheckout",
    "/ordo.checkout.v1.CheckoutService/UpdateCheckoutState",
    "/ordo.checkout.v1.CheckoutService/GetCheckout",
    "/ordo.checkout.v1.CheckoutService/ConfirmCheckout",
    "/ordo.order.v1.OrderService/Get",
    "/ordo.order.v1.OrderService/List",
    "/ordo.order.v1.OrderService/Cancel",
    "/grpc.health.v1.Health/Check",
];

impl Service<http::Request<Incoming>> for Routes {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Answer;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Infallible>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: http::Request<Incoming>) -> Answer {
        let began = Instant::now();
        let head = Head::of(request.headers(), &self.app.request_ids);
        let method = METHODS.iter().find(|method| **method == request.uri().path()).copied();
        request.extensions_mut().insert(head.clone());
        let answer = self.service(request);
        let (calls, patience) = (self.calls.clone(), self.app.options.patience);
        Box::pin(async move {
            let unknown = || Problem::new(Code::Unimplemented, "NOT_FOUND", "There is no such service").into_status(&head.request_id);
            let mut response = match (answer, method) {
                (None, _) => unknown().into_http(),
                (Some(answer), None) => answer.await.unwrap_or_else(|never| match never {}),
                (Some(answer), Some(_)) => {
                    let _call = calls.acquire().await;
                    let last = began + MESSAGE_WITHIN + patience;
                    let until = head.deadline.map_or(last, |deadline| deadline.min(last));
                    let answered = tokio::time::timeout_at(until, answer).await;
                    answered.map_or_else(
                        |_| Problem::deadline().into_status(&head.request_id).into_http(),
                        |answer| answer.unwrap_or_else(|never| match never {}),
                    )
                }
            };
            if let Ok(id) = HeaderValue::from_str(&head.request_id) {
                response.headers_mut().insert(X_REQUEST_ID, id);
            }
            if let Some(method) = method {
                let code = Status::from_header_map(response.headers()).map_or(Code::Ok, |status| status.code());
                let labels = [("method", method.to_owned()), ("code", format!("{code:?}"))];
                metrics::histogram!("grpc_request_seconds", &labels).record(began.elapsed());
            }
            Ok(response)
        })
    }
}
