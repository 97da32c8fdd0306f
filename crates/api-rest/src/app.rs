//! What every handler has at hand: the engine, and how long callers wait for it.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use api_input::head::RequestIds;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use domain::Caller;
use domain::command::Command;
use domain::key::Fingerprint;
use engine::port::Unavailable;
use engine::{Ask, Done, Engine, Failure, StopSignal};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::Semaphore;

use crate::access::Requester;
use crate::input::FieldError;
use crate::input::canonical;
use crate::input::document::Doc;
use crate::input::fields::{self, Fields};
use crate::problem::{self, Problem};
use crate::refusals::problem_of;
use crate::request::IdempotencyKey;
use crate::terms::Terms;

/// A question reads a few rows by an index: what takes longer than this will not come.
const QUESTION_WITHIN: Duration = Duration::from_secs(5);

/// How the doors are set up.
#[derive(Clone)]
pub struct AppOptions {
    /// How long a confirm or a cancel waits for a provider.
    pub answer_within: Duration,
    /// How long any call waits for the engine.
    pub patience: Duration,
    /// Where the metrics are read.
    pub metrics: PrometheusHandle,
    /// What `/version` tells.
    pub version: &'static str,
    /// Random: the first part of the request ids that are made here.
    pub process: u64,
    /// Given when the service stops: what would go on for ever ends.
    pub stopped: StopSignal,
}

/// Shared by all handlers.
#[derive(Clone)]
pub struct App {
    pub(crate) engine: Engine,
    pub(crate) options: AppOptions,
    pub(crate) request_ids: Arc<RequestIds>,
    /// Places of those who follow an order.
    pub(crate) streams: Arc<Semaphore>,
}

/// Whoever follows an order asks the store every second, and holds a connection.
const STREAMS_MAX: usize = 1000;

impl App {
    /// Doors for `engine`.
    pub fn new(engine: Engine, options: AppOptions) -> Self {
        let request_ids = Arc::new(RequestIds::new(options.process));
        Self { engine, options, request_ids, streams: Arc::new(Semaphore::new(STREAMS_MAX)) }
    }

    /// Carries a command out and waits for its answer.
    pub(crate) async fn submit<C: Command>(&self, command: C, ask: Ask) -> Result<Done<C::Answer>, Problem> {
        self.wait(self.engine.submit(command, ask)).await.map_err(problem_of)
    }

    /// Waits no longer than a caller would. What was submitted goes on all the same.
    pub(crate) async fn wait<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        tokio::time::timeout(self.options.patience, work).await.unwrap_or(Err(Failure::Unsure))
    }

    /// Asks the store, and waits no longer than a caller would.
    pub(crate) async fn ask<T>(&self, question: impl Future<Output = Result<T, Unavailable>>) -> Result<T, Problem> {
        let silent = || Err(Unavailable::new("it did not answer in time"));
        tokio::time::timeout(QUESTION_WITHIN, question).await.unwrap_or_else(|_| silent()).map_err(|away| {
            tracing::warn!(%away, "a question was not answered");
            problem_of(away.into())
        })
    }

    /// What was read from the body, if it keeps the rules.
    ///
    /// A known key with a broken body is a reused key, whatever else is wrong: the first request was not broken.
    pub(crate) async fn judge<C: Command, T>(
        &self,
        caller: &Caller,
        key: Option<&str>,
        read: Result<T, Vec<FieldError>>,
    ) -> Result<T, Problem> {
        match (read, key) {
            (Ok(value), _) => Ok(value),
            (Err(_), Some(key)) if self.engine.key_was_used::<C>(caller, key).await.map_err(problem_of)? => {
                Err(Problem::of(problem::IDEMPOTENCY_KEY_REUSED))
            }
            (Err(errors), _) => Err(errors.into()),
        }
    }
}

/// One call that changes something: who asks, on which terms, under which key.
#[derive(Clone)]
pub(crate) struct Call {
    /// What every handler has at hand.
    pub(crate) app: App,
    /// Who asks.
    pub(crate) requester: Requester,
    /// On which terms.
    pub(crate) terms: Terms,
    path: String,
    key: IdempotencyKey,
}

impl FromRequestParts<App> for Call {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let requester = Requester::from_request_parts(parts, app).await?;
        let terms = Terms::from_request_parts(parts, app).await?;
        let key = IdempotencyKey::from_request_parts(parts, app).await?;
        Ok(Self { app: app.clone(), requester, terms, path: parts.uri.path().to_owned(), key })
    }
}

impl Call {
    /// The same call under the key that stands in the header or in the body; it must be given.
    pub(crate) fn with_required_key(self, doc: &Doc) -> Result<Self, Problem> {
        let key = self.key.or_in(doc)?;
        key.clone().required()?;
        Ok(Self { key, ..self })
    }

    /// Reads what is asked for from `doc`; a known key with a broken body is a reused key.
    pub(crate) async fn read<C: Command, T>(&self, doc: &Doc, build: impl FnOnce(&mut Fields<'_>) -> T) -> Result<T, Problem> {
        let key = self.key.clone().optional();
        self.app.judge::<C, _>(&self.requester.caller, key.as_deref(), fields::read(doc, build)).await
    }

    /// What the engine is asked with, for what `doc` asks for.
    pub(crate) fn ask(&self, doc: &Doc) -> Ask {
        self.terms.on(self.requester.ask(keyed(self.key.clone(), &self.path, doc)))
    }

    /// Carries `command` out, which `doc` asks for.
    pub(crate) async fn submit<C: Command>(&self, command: C, doc: &Doc) -> Result<Done<C::Answer>, Problem> {
        self.app.submit(command, self.ask(doc)).await
    }

    /// The same in one step.
    pub(crate) async fn carry_out<C: Command>(
        &self,
        doc: &Doc,
        build: impl FnOnce(&mut Fields<'_>) -> C,
    ) -> Result<Done<C::Answer>, Problem> {
        self.submit(self.read::<C, _>(doc, build).await?, doc).await
    }
}

/// The key with the fingerprint of the request: what is asked for, and with which words. The key itself is not part of it.
pub(crate) fn keyed(key: IdempotencyKey, path: &str, doc: &Doc) -> Option<(Arc<str>, Fingerprint)> {
    let key = key.optional()?;
    Some((key.into(), Fingerprint(canonical::fingerprint(path, doc, "idempotency_key"))))
}
