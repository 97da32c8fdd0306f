//! The whole service in one process: store, engine, writers, workers, doors; started together, stopped in order.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use api_rest::{App, AppOptions};
use domain::cart::CartRules;
use domain::checkout::CheckoutRules;
use domain::command::{FailurePolicy, PricePolicy, Settings};
use engine::port::{Schema, SchemaTrouble, SystemClock};
use engine::schema::SchemaError;
use engine::worker::{StubProvider, run_payments, run_sweeper};
use engine::{Engine, Options, RealPause, StopSignal, Stopper, WriterThreads, run_on_threads};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::config::Config;
use crate::config::kinds::Database;
use crate::config::words::{OnFailure, PricePolicy as PriceWord, ReserveAt};
use crate::database;
use crate::measure;

/// How long a call waits for the engine: a little longer than a command may wait in it.
const PATIENCE: Duration = Duration::from_secs(12);
/// How often a database that was away at the start is tried again.
const MIGRATE_AGAIN: Duration = Duration::from_secs(1);
/// Connections that may wait to be accepted; the system may allow fewer. Whoever comes beyond tries again after a second, and the 128 of the standard library
/// are gone when a few hundred callers come at one moment.
const BACKLOG: u32 = 4096;

/// Why the service did not start, or had to stop.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServiceError {
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] engine::port::Unavailable),
    /// This binary does not fit the schema.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The address is taken, or not ours.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Which address.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// The machine refuses threads or signals.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// A running service.
pub(crate) struct Service {
    /// The engine, for those in the same process.
    pub(crate) engine: Engine,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// Where it listens for gRPC.
    pub(crate) grpc_address: SocketAddr,
    stop: Stopper,
    doors: JoinSet<io::Result<()>>,
    workers: JoinSet<()>,
    writers: WriterThreads,
    unfit: watch::Receiver<Option<SchemaError>>,
    stop_within: Duration,
}

/// Starts everything. A database that is away is waited for: until then `/readyz` says so and calls are answered 503.
pub(crate) async fn start(config: &Config, metrics: PrometheusHandle) -> Result<Service, ServiceError> {
    let database::Opened { store, schema } = database::open(&config.database)?;
    let (stop, stopped) = Stopper::new();
    let (tell_unfit, unfit) = watch::channel(None);
    let mut workers = JoinSet::new();
    match schema.migrate().await {
        Ok(_) => {}
        Err(SchemaTrouble::Unfit(error)) => return Err(error.into()),
        Err(SchemaTrouble::Unavailable(away)) => {
            tracing::warn!(%away, "the database is away; waiting for it");
            workers.spawn(migrate_when_back(schema, tell_unfit, stopped.clone()));
        }
    }
    let writers = usize::try_from(config.engine.writers).unwrap_or(2);
    let options = Options { writers, turns: turns(config, writers), at_step: at_step(), ..Options::default() };
    let (engine, writers) = Engine::new(store, Arc::new(SystemClock), Arc::new(RealPause), settings(config), options);
    let writers = run_on_threads(writers)?;
    workers.spawn(run_payments(engine.clone(), Arc::new(StubProvider), stopped.clone()));
    workers.spawn(run_sweeper(engine.clone(), stopped.clone()));
    workers.spawn(keep_up(metrics.clone(), stopped.clone()));
    let answer_within = Duration::from_millis(config.payments.answer_within_ms.into());
    let app = App::new(
        engine.clone(),
        AppOptions {
            answer_within,
            patience: PATIENCE,
            metrics,
            version: env!("CARGO_PKG_VERSION"),
            process: rand::random(),
            stopped: stopped.clone(),
        },
    );
    let stop_within = Duration::from_secs(config.shutdown_seconds.into());
    let mut doors = JoinSet::new();
    let listener = listen(config.listen)?;
    let address = listener.local_addr()?;
    let grpc_listener = listen(config.grpc_listen)?;
    let grpc_address = grpc_listener.local_addr()?;
    let grpc = api_grpc::App::new(
        engine.clone(),
        api_grpc::AppOptions { answer_within, patience: PATIENCE, process: rand::random(), stopped: stopped.clone() },
    );
    doors.spawn(api_grpc::serve(grpc_listener, grpc, stopped.clone(), stop_within));
    if let Some(admin) = config.admin_listen.filter(|admin| *admin != config.listen) {
        doors.spawn(api_rest::serve(listen(admin)?, api_rest::admin_router(app.clone()), stopped.clone(), stop_within));
        doors.spawn(api_rest::serve(listener, api_rest::doors_router(app), stopped, stop_within));
    } else {
        doors.spawn(api_rest::serve(listener, api_rest::router(app), stopped, stop_within));
    }
    Ok(Service { engine, address, grpc_address, stop, doors, workers, writers, unfit, stop_within })
}

impl Service {
    /// Runs until the process is told to stop, then ends in order. An error: the schema turned out not to fit.
    pub(crate) async fn run(mut self) -> Result<(), ServiceError> {
        let unfit = tokio::select! {
            () = told_to_stop()? => None,
            unfit = unfit(&mut self.unfit) => Some(unfit),
        };
        self.end().await;
        unfit.map_or(Ok(()), |error| Err(error.into()))
    }

    /// No new calls; those under way are answered; workers finish; what waits is saved.
    async fn end(mut self) {
        tracing::info!("stopping");
        self.stop.stop();
        while self.doors.join_next().await.is_some() {}
        if tokio::time::timeout(self.stop_within, async { while self.workers.join_next().await.is_some() {} }).await.is_err() {
            tracing::warn!("a worker did not end in time; what it was doing is found again after the start");
        }
        self.engine.close();
        let writers = self.writers;
        let joined = tokio::task::spawn_blocking(|| writers.join());
        if tokio::time::timeout(self.stop_within, joined).await.is_err() {
            tracing::warn!("a writer did not end in time");
        }
        tracing::info!("stopped");
    }
}

#[cfg(debug_assertions)]
fn at_step() -> fn(engine::Step) {
    crate::crash::at_step()
}

#[cfg(not(debug_assertions))]
fn at_step() -> fn(engine::Step) {
    |_| ()
}

/// How many writers are at the store at once: a file lets one write, and the others wait for the disk meanwhile.
fn turns(config: &Config, writers: usize) -> usize {
    match config.database {
        Database::Sqlite(_) => 1,
        Database::Postgres(_) => writers,
    }
}

fn settings(config: &Config) -> Settings {
    Settings {
        currency: config.orders.currency,
        payment_window_seconds: config.orders.payment_window_seconds.into(),
        price_policy: match config.price_policy {
            PriceWord::Reject => PricePolicy::Reject,
            PriceWord::Accept => PricePolicy::Accept,
        },
        payment_failure: match config.payments.on_failure {
            OnFailure::Retry => FailurePolicy::Retry,
            OnFailure::Cancel => FailurePolicy::Cancel,
        },
        payment_provider: "stub".into(),
        mock_payments: true,
        cart: CartRules {
            qty_max: config.cart.qty_max.into(),
            lines_max: usize::try_from(config.cart.lines_max).unwrap_or(usize::MAX),
            abandoned_after_seconds: config.cart.abandoned_after_seconds.into(),
            kept_seconds: i64::from(config.retention.cart_days) * 86_400,
        },
        checkout: CheckoutRules {
            ttl_seconds: config.checkout.session_ttl_seconds.into(),
            kept_seconds: i64::from(config.retention.cart_days) * 86_400,
            reserve_seconds: (config.checkout.reserve_at == ReserveAt::Start).then_some(config.checkout.reserve_ttl_seconds.into()),
        },
    }
}

fn listen(address: SocketAddr) -> Result<TcpListener, ServiceError> {
    let listen = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    listen().map_err(|source| ServiceError::Listen { address, source })
}

/// That the schema does not fit, once that is known. Where nobody looks for it any more, it fits.
async fn unfit(unfit: &mut watch::Receiver<Option<SchemaError>>) -> SchemaError {
    match unfit.wait_for(Option::is_some).await.ok().and_then(|error| error.clone()) {
        Some(error) => error,
        None => std::future::pending().await,
    }
}

async fn migrate_when_back(schema: Arc<dyn Schema>, unfit: watch::Sender<Option<SchemaError>>, mut stop: StopSignal) {
    loop {
        tokio::select! {
            () = stop.given() => return,
            () = tokio::time::sleep(MIGRATE_AGAIN) => {}
        }
        match schema.migrate().await {
            Ok(_) => {
                tracing::info!("the database is back");
                return;
            }
            Err(SchemaTrouble::Unfit(error)) => {
                unfit.send_replace(Some(error));
                return;
            }
            Err(SchemaTrouble::Unavailable(away)) => tracing::debug!(%away, "the database is still away"),
        }
    }
}

async fn keep_up(metrics: PrometheusHandle, mut stop: StopSignal) {
    loop {
        tokio::select! {
            () = stop.given() => return,
            () = tokio::time::sleep(measure::UPKEEP) => metrics.run_upkeep(),
        }
    }
}

/// SIGTERM, or Ctrl-C.
fn told_to_stop() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
