//! `ordo serve`: the service until it is told to stop.

use std::process::ExitCode;

use crate::config::Config;
use crate::service::{self, ServiceError};
use crate::{logging, measure};

/// Serves as configured.
pub(super) fn run(config: &Config) -> ExitCode {
    super::tell_without_effect(config);
    serve(config, |service| {
        tracing::info!(address = %service.address, grpc_address = %service.grpc_address, "ready");
        async {}
    })
}

/// Serves, and calls `ready` once the doors are open.
pub(super) fn serve<F: Future<Output = ()> + Send + 'static>(config: &Config, ready: impl FnOnce(&service::Service) -> F) -> ExitCode {
    if let Err(error) = logging::start(&config.log) {
        return super::failed(&error, super::NO);
    }
    let metrics = match measure::start() {
        Ok(metrics) => metrics,
        Err(error) => return super::failed(&error, super::NO),
    };
    let served = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(door_threads())
        .enable_all()
        .build()
        .map_err(ServiceError::from)
        .and_then(|runtime| {
            let served = runtime.block_on(async {
                let service = service::start(config, metrics).await?;
                let beside = tokio::spawn(ready(&service));
                let ended = service.run().await;
                beside.abort();
                ended
            });
            runtime.shutdown_timeout(std::time::Duration::from_millis(100));
            served
        });
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => super::service_failed(&error),
    }
}

/// Half of the cores, at least two: the others are for the writers and the database, which need more than a door does.
fn door_threads() -> usize {
    std::thread::available_parallelism().map_or(2, |cores| (cores.get() / 2).max(2))
}
