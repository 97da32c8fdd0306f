//! Where the database is and how long it may take: connections of their own for writers, a pool for reads.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime, Timeouts};
use engine::port::Unavailable;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config, NoTls};

use crate::error::{Failure, said};
use crate::opening::{Keeper, Opening, keeper, told};

/// Limits of what the store waits for, and of how much it reads at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Options {
    /// For a connection to be made and greeted.
    pub connect_ms: u32,
    /// For one statement.
    pub statement_ms: u32,
    /// For one lock. Longer than `idle_in_transaction_ms`, so that a session that lost its client is gone before.
    pub lock_ms: u32,
    /// For a client that opened a transaction and says nothing more.
    pub idle_in_transaction_ms: u32,
    /// Connections for reads.
    pub readers_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { connect_ms: 3000, statement_ms: 10_000, lock_ms: 8000, idle_in_transaction_ms: 5000, readers_max: 8 }
    }
}

impl Options {
    fn connect(self) -> Duration {
        Duration::from_millis(self.connect_ms.into())
    }

    /// How long a flight may take: what its slowest statement may, and some more for the way.
    pub(crate) fn flight(self) -> Duration {
        Duration::from_millis(self.statement_ms.into()) + Duration::from_secs(5)
    }

    fn limits(self) -> Vec<String> {
        let Self { statement_ms, lock_ms, idle_in_transaction_ms, .. } = self;
        vec![
            format!("statement_timeout = {statement_ms}"),
            format!("lock_timeout = {lock_ms}"),
            format!("idle_in_transaction_session_timeout = {idle_in_transaction_ms}"),
            "jit = off".into(),
        ]
    }

    /// What holds in a writer's transactions.
    ///
    /// Its plans are made once, on tables that may be empty, and must not be those of empty tables: always by index (a scan of
    /// an empty table costs nothing, and stays the plan when the table has filled), and rows joined to their new values by
    /// hash (a loop compares each with each: 8 ms instead of 0.8 for 120 rows of stock).
    pub(crate) fn writer_settings(self) -> Vec<String> {
        let plans = ["plan_cache_mode = force_generic_plan", "enable_seqscan = off", "enable_nestloop = off", "synchronous_commit = on"];
        let mut settings = self.limits();
        settings.extend(plans.map(str::to_owned));
        settings
    }

    /// Lists are planned anew with their values: which index is best depends on them.
    pub(crate) fn reader_settings(self) -> Vec<String> {
        let mut settings = self.limits();
        settings.push("plan_cache_mode = force_custom_plan".into());
        settings
    }

    /// What a writer's session is told first. Read-only but for what a flight opens: see [`Opening`].
    fn for_writer(self) -> String {
        told("set", &self.writer_settings())
            + "set default_transaction_isolation = 'read committed'; set default_transaction_read_only = on"
    }

    fn for_reader(self) -> String {
        told("set", &self.reader_settings()) + "set default_transaction_isolation = 'read committed'"
    }
}

/// Where the database is.
#[derive(Clone)]
pub(crate) struct Access {
    config: Config,
    pub(crate) options: Options,
    /// Whether the last connection of the pool found a pooler in between.
    pooled: Arc<AtomicBool>,
    reads_by_pooler: Opening,
}

/// A connection of its own, which lives on the runtime where it was made.
pub(crate) struct Connected {
    pub(crate) client: Client,
    carrier: JoinHandle<()>,
}

impl Drop for Connected {
    /// Whatever is still under way is given up with the connection.
    fn drop(&mut self) {
        self.carrier.abort();
    }
}

impl Access {
    pub(crate) fn to(url: &str, options: Options) -> Result<Self, Unavailable> {
        let mut config: Config =
            url.parse().map_err(|error| Unavailable::new(format_args!("this is not a PostgreSQL URL: {}", said(&error))))?;
        config.connect_timeout(options.connect()).keepalives_idle(Duration::from_secs(30)).tcp_user_timeout(options.flight());
        let reads_by_pooler = Opening::of_reader(options, Keeper::Pooler);
        Ok(Self { config, options, pooled: Arc::default(), reads_by_pooler })
    }

    /// A new connection under the name `application`, not yet told anything.
    pub(crate) async fn connect(&self, application: &str) -> Result<Connected, Failure> {
        let mut config = self.config.clone();
        config.application_name(application);
        // The driver's own limit covers TCP only, not a server that accepts and then says nothing.
        let limit = self.options.connect();
        let (client, connection) = tokio::time::timeout(limit, config.connect(NoTls)).await.map_err(|_| Failure::Silent(limit))??;
        let carrier = tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(error = said(&error), "a connection to the database has ended");
            }
        });
        Ok(Connected { client, carrier })
    }

    /// A writer's connection with its settings, and how its transactions are opened.
    pub(crate) async fn greet_writer(&self, client: &Client) -> Result<Opening, tokio_postgres::Error> {
        let keeper = keeper(client).await?;
        if keeper == Keeper::Server {
            client.batch_execute(&self.options.for_writer()).await?;
        }
        Ok(Opening::of_writer(self.options, keeper))
    }

    /// How reads open their transactions, when their settings are not kept.
    pub(crate) fn reads_by_pooler(&self) -> Option<&Opening> {
        self.pooled.load(Ordering::Relaxed).then_some(&self.reads_by_pooler)
    }

    /// The connections for reads; none is made yet.
    pub(crate) fn pool(&self) -> Result<Pool, Unavailable> {
        let mut config = self.config.clone();
        config.application_name("ordo-reader");
        let manager = Manager::from_config(config, NoTls, ManagerConfig { recycling_method: RecyclingMethod::Fast });
        let (settings, pooled) = (Arc::<str>::from(self.options.for_reader()), self.pooled.clone());
        let limit = Some(self.options.connect());
        Pool::builder(manager)
            .max_size(self.options.readers_max)
            .runtime(Runtime::Tokio1)
            .timeouts(Timeouts { wait: limit, create: limit, recycle: limit })
            .post_create(Hook::async_fn(move |client, _| {
                let (settings, pooled) = (settings.clone(), pooled.clone());
                Box::pin(async move {
                    let keeper = keeper(client).await.map_err(HookError::Backend)?;
                    pooled.store(keeper == Keeper::Pooler, Ordering::Relaxed);
                    match keeper {
                        Keeper::Server => client.batch_execute(&settings).await.map_err(HookError::Backend),
                        Keeper::Pooler => Ok(()),
                    }
                })
            }))
            .build()
            .map_err(Unavailable::new)
    }
}
