//! Keeps everything in PostgreSQL 15 or newer.
//!
//! A table is a file; its statements stand in it, in sight. A [`PostgresStore`] gives sessions to writers (each a connection
//! of its own, which loads and saves a batch in one flight each) and answers reads from a small pool. Connections are not
//! encrypted: put the database on the same host or network, or a TLS tunnel between. A pooler may stand between, by the session
//! or by the transaction: see [`opening`].

mod access;
mod audit;
mod cart;
mod checkout;
mod error;
mod event;
mod flight;
mod hold;
mod key;
mod line;
mod load;
mod mark;
mod migrate;
mod number;
mod offer;
mod opening;
mod order;
mod order_list;
mod outbox;
mod payment;
mod prepared;
mod queries;
mod refund;
mod reservation;
mod save;
mod session;
mod shipment;
mod sku;
mod stock;
mod task;
mod types;

use std::sync::Arc;

pub use access::Options;
use async_trait::async_trait;
use deadpool_postgres::Pool;
use engine::port::{Session, Store, Unavailable};
pub use migrate::KNOWN;

use crate::access::Access;
use crate::session::PostgresSession;

/// A PostgreSQL database as a store.
#[derive(Clone)]
pub struct PostgresStore {
    access: Arc<Access>,
    pool: Pool,
}

impl PostgresStore {
    /// The store at `url` (`postgres://user:password@host:port/database`). Connects when it is first used, so that a service
    /// can start before its database.
    pub fn connect(url: &str) -> Result<Self, Unavailable> {
        Self::connect_with(url, Options::default())
    }

    /// The same, with other limits.
    pub fn connect_with(url: &str, options: Options) -> Result<Self, Unavailable> {
        let access = Access::to(url, options)?;
        let pool = access.pool()?;
        Ok(Self { access: Arc::new(access), pool })
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn session(&self) -> Result<Box<dyn Session>, Unavailable> {
        Ok(Box::new(PostgresSession::new(self.access.clone())))
    }
}
