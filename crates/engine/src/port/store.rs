//! Where everything is kept. A store knows two verbs: load and save.

use std::sync::Arc;

use async_trait::async_trait;
use domain::ids::Uuid;
use domain::{Changes, Needs, View};

use super::Queries;
use crate::schema::SchemaError;

/// A store of orders.
#[async_trait]
pub trait Store: Queries {
    /// A session for one writer. It reconnects by itself when its connection is gone.
    async fn session(&self) -> Result<Box<dyn Session>, Unavailable>;
}

/// The schema of a store.
#[async_trait]
pub trait Schema: Send + Sync {
    /// Takes the steps that are missing and tells their numbers. Two processes may try at once: one waits for the other.
    async fn migrate(&self) -> Result<Vec<i32>, SchemaTrouble>;

    /// The steps that are missing.
    async fn missing(&self) -> Result<Vec<i32>, SchemaTrouble>;
}

/// Why a schema was not brought up to date.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SchemaTrouble {
    /// The store cannot be used now.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// This binary does not fit the schema.
    #[error(transparent)]
    Unfit(#[from] SchemaError),
}

/// A unique name of one save, written with it: after a cut connection it tells whether the save happened.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Mark(pub Uuid);

/// One writer's way into the store.
#[async_trait]
pub trait Session: Send {
    /// Puts the rows that `needs` names onto the shelves of `seen`; rows that are not there are left out.
    ///
    /// All of it is of one moment: a key is seen together with what was done with it.
    ///
    /// Draws a fresh number for every order that `needs.numbers` names. When it fails, certainly nothing was saved.
    async fn load(&mut self, needs: &Needs, seen: &mut View) -> Result<(), Unavailable>;

    /// Saves all of `changes`, and `mark`, in one transaction, or nothing. Nobody is told before [`Session::durable`].
    async fn save(&mut self, changes: &Changes, mark: Mark) -> Result<(), SaveError>;

    /// Returns when everything that this session has loaded and saved is on the disk: an answer rests on nothing less.
    ///
    /// An error: it may be lost with the machine. A store that saves durably has nothing to wait for.
    async fn durable(&mut self) -> Result<(), Unavailable> {
        Ok(())
    }

    /// Finds out, on a new connection, whether the save with this mark happened. If it did not, it never will.
    /// Asked again, for its own answer may be lost too, it says the same.
    async fn settle(&mut self, mark: Mark) -> Result<Settled, Unavailable>;
}

/// The answer to a save whose end was not seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Settled {
    /// It happened.
    Saved,
    /// It did not, and cannot any more.
    NotSaved,
}

/// The store cannot be used now.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the store cannot be used now: {0}")]
pub struct Unavailable(pub Arc<str>);

impl Unavailable {
    /// With what the driver said.
    pub fn new(reason: impl std::fmt::Display) -> Self {
        Self(reason.to_string().into())
    }
}

/// Why a save did not end well.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SaveError {
    /// Somebody else was first: a version, a unique key, a CHECK on a counter, a deadlock. Nothing was saved; decide again.
    #[error("lost a race at {0}")]
    Lost(Arc<str>),
    /// The store refuses these rows for good. Nothing was saved.
    #[error("the store refuses the rows: {0}")]
    Rejected(Arc<str>),
    /// The store cannot be used now. Nothing was saved.
    #[error(transparent)]
    Unavailable(Unavailable),
    /// The connection broke while saving: ask [`Session::settle`].
    #[error("the end of a save was not seen: {0}")]
    Unknown(Arc<str>),
}
