//! A save in one flight: every statement is sent before the first is answered, COMMIT with them.

use std::pin::Pin;

use engine::port::{SaveError, Unavailable};
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, MaybeDone, maybe_done};
use futures_util::poll;
use tokio_postgres::{Client, Error, Statement};

use crate::error::{at_commit, before_commit, said, spoils_connection};
use crate::opening::{Keeper, Opening};
use crate::types::Column;

/// How a flight ended that did not save.
pub(crate) struct Failed {
    /// What it means.
    pub(crate) error: SaveError,
    /// Whether the connection can be used no longer.
    pub(crate) spoiled: bool,
}

/// Statements that wait to be sent together.
pub(crate) struct Flight<'c> {
    client: &'c Client,
    keeper: Keeper,
    statements: Vec<MaybeDone<BoxFuture<'c, Result<u64, Error>>>>,
}

impl<'c> Flight<'c> {
    /// Opens the transaction.
    pub(crate) fn begin(client: &'c Client, opening: &'c Opening) -> Self {
        let begin = client.batch_execute(&opening.write).map(|begun| begun.map(|()| 0)).boxed();
        Self { client, keeper: opening.keeper, statements: vec![maybe_done(begin)] }
    }

    /// Adds a statement.
    pub(crate) fn add(&mut self, statement: &'c Statement, columns: Vec<Column<'c>>) {
        self.statements.push(maybe_done(self.client.execute_raw(statement, columns).boxed()));
    }

    /// Adds a statement that writes all of `rows`; none without rows.
    pub(crate) fn rows<R>(&mut self, statement: &'c Statement, rows: &[R], columns: impl FnOnce(&[R]) -> Vec<Column<'c>>) {
        if !rows.is_empty() {
            self.add(statement, columns(rows));
        }
    }

    /// Sends everything and COMMIT, then reads all answers.
    pub(crate) async fn commit(mut self) -> Result<(), Failed> {
        if self.keeper == Keeper::Pooler {
            self.begun().await?;
        }
        // The first poll of each future writes it to the connection; nothing is waited for.
        for statement in &mut self.statements {
            let _ = poll!(Pin::new(&mut *statement));
        }
        if let Some(error) = self.never_sent() {
            // Without this statement the others must not be committed.
            let spoiled = self.client.batch_execute("rollback").await.is_err();
            return Err(Failed { error, spoiled });
        }
        let mut end = maybe_done(self.client.batch_execute("commit").boxed());
        let _ = poll!(Pin::new(&mut end));
        let mut first_error = None;
        for statement in &mut self.statements {
            Pin::new(&mut *statement).await;
            if let Some(Err(error)) = Pin::new(&mut *statement).take_output() {
                first_error = first_error.or(Some(error));
            }
        }
        Pin::new(&mut end).await;
        let end = Pin::new(&mut end).take_output().expect("an awaited future has its output");
        match (first_error, end) {
            (None, Ok(())) => Ok(()),
            (Some(error), end) => {
                let spoiled = spoils_connection(&error) || end.is_err();
                Err(Failed { error: before_commit(&error, self.keeper), spoiled })
            }
            (None, Err(error)) => Err(Failed { error: at_commit(&error), spoiled: spoils_connection(&error) }),
        }
    }

    /// Waits for BEGIN: were it refused, a pooler would hand each statement behind it to a connection where it commits by itself.
    async fn begun(&mut self) -> Result<(), Failed> {
        let begin = &mut self.statements[0];
        Pin::new(&mut *begin).await;
        match Pin::new(begin).output_mut() {
            // Nothing but BEGIN was sent.
            Some(Err(error)) => Err(Failed { error: SaveError::Unavailable(Unavailable::new(said(error))), spoiled: true }),
            _ => Ok(()),
        }
    }

    /// Why a statement did not even leave: a value that has no form on the wire.
    fn never_sent(&mut self) -> Option<SaveError> {
        self.statements.iter_mut().find_map(|statement| match Pin::new(statement).output_mut() {
            Some(Err(error)) if error.as_db_error().is_none() && !error.is_closed() => Some(SaveError::Rejected(said(error).into())),
            _ => None,
        })
    }
}
