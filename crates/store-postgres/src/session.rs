//! One writer's connection: made when it is first needed, made anew when it is gone.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{Changes, Needs, View};
use engine::port::{Mark, SaveError, Session, Settled, Unavailable};
use futures_util::FutureExt as _;
use tokio::try_join;

use crate::access::{Access, Connected};
use crate::error::Failure;
use crate::load::load;
use crate::mark;
use crate::opening::Opening;
use crate::prepared::Prepared;
use crate::save::save;

/// A connection with its statements.
struct Ready {
    connected: Connected,
    opening: Opening,
    prepared: Prepared,
}

/// A writer's way into PostgreSQL. Everything of it lives on the runtime where it is used.
pub(crate) struct PostgresSession {
    access: Arc<Access>,
    ready: Option<Ready>,
}

impl PostgresSession {
    pub(crate) fn new(access: Arc<Access>) -> Self {
        Self { access, ready: None }
    }

    /// The connection that is there, or a new one.
    async fn ready(&mut self) -> Result<&Ready, Failure> {
        if self.ready.as_ref().is_none_or(|ready| ready.connected.client.is_closed()) {
            self.ready = None;
            let connected = self.access.connect("ordo-writer").await?;
            let (opening, prepared) = within(&self.access, async {
                let client = &connected.client;
                Ok(try_join!(biased; self.access.greet_writer(client), Prepared::on(client))?)
            })
            .await?;
            self.ready = Some(Ready { connected, opening, prepared });
        }
        Ok(self.ready.as_ref().expect("a connection was just made"))
    }

    async fn load_once(&mut self, needs: &Needs, seen: &mut View) -> Result<(), Failure> {
        let access = self.access.clone();
        let ready = self.ready().await?;
        let loaded = within(&access, load(&ready.connected.client, &ready.opening, &ready.prepared, needs, seen).boxed()).await;
        if loaded.is_err() {
            // A flight that was left in the middle may leave its transaction open.
            self.ready = None;
        }
        loaded
    }

    async fn settle_once(&mut self, mark: Mark) -> Result<Settled, Failure> {
        self.ready = None;
        let access = self.access.clone();
        let Ready { connected, opening, .. } = self.ready().await?;
        let client = &connected.client;
        let row = within(&access, async {
            client.batch_execute(&opening.write).await?;
            client.execute(mark::TAKE, &[&mark.0]).await?;
            client.batch_execute("commit").await?;
            Ok(client.query_one(mark::WHOSE, &[&mark.0]).await?)
        })
        .await?;
        Ok(if row.try_get(0)? { Settled::Saved } else { Settled::NotSaved })
    }
}

/// What `work` gives, unless the database stays silent for longer than every statement may take.
async fn within<T>(access: &Access, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let limit = access.options.flight();
    tokio::time::timeout(limit, work).await.map_err(|_| Failure::Silent(limit))?
}

#[async_trait]
impl Session for PostgresSession {
    async fn load(&mut self, needs: &Needs, seen: &mut View) -> Result<(), Unavailable> {
        let had_connection = self.ready.is_some();
        match self.load_once(needs, seen).await {
            Err(failure) if had_connection && failure.is_of_the_connection() => {
                tracing::debug!(%failure, "the connection is gone: loading on a new one");
                Ok(self.load_once(needs, seen).await?)
            }
            loaded => Ok(loaded?),
        }
    }

    async fn save(&mut self, changes: &Changes, mark: Mark) -> Result<(), SaveError> {
        let limit = self.access.options.flight();
        // Nothing was sent before there is a connection.
        let ready = self.ready().await.map_err(|failure| SaveError::Unavailable(failure.into()))?;
        match tokio::time::timeout(limit, save(&ready.connected.client, &ready.opening, &ready.prepared, changes, mark)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(failed)) => {
                if failed.spoiled {
                    self.ready = None;
                }
                Err(failed.error)
            }
            Err(_) => {
                self.ready = None;
                Err(SaveError::Unknown(Failure::Silent(limit).to_string().into()))
            }
        }
    }

    async fn settle(&mut self, mark: Mark) -> Result<Settled, Unavailable> {
        let settled = self.settle_once(mark).await;
        if settled.is_err() {
            self.ready = None;
        }
        Ok(settled?)
    }
}
