//! What every call has at hand: the engine, who calls, and how long he waits.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use api_input::canonical::fingerprint;
use api_input::document::Doc;
use api_input::fields::{self, Fields};
use api_input::head::RequestIds;
use domain::checkout::GuestToken;
use domain::command::Command;
use domain::key::Fingerprint;
use domain::{Caller, Role};
use engine::port::Unavailable;
use engine::{Ask, Done, Engine, Failure, StopSignal};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tonic::{Code, Request, Response, Status};

use crate::head::{Head, guest_token, idempotency_key};
use crate::problem::Problem;

/// A question reads a few rows by an index: what takes longer than this will not come.
const QUESTION_WITHIN: Duration = Duration::from_secs(5);
/// Callers who follow orders at one time. Each costs a task and a look at the store twice a second.
const WATCHERS_MAX: usize = 1000;
const IDEMPOTENCY_REPLAYED: &str = "idempotency-replayed";

/// Who buys: customers for themselves, services for anybody.
pub(crate) const BUYERS: &[Role] = &[Role::Customer, Role::Service, Role::Admin];
/// Every caller, each within what is his.
pub(crate) const EVERYBODY: &[Role] = &[Role::Customer, Role::Support, Role::Service, Role::Admin];

/// How the door is set up.
#[derive(Clone)]
pub struct AppOptions {
    /// How long a confirm or a cancel waits for a provider.
    pub answer_within: Duration,
    /// How long any call waits for the engine.
    pub patience: Duration,
    /// Random: the first part of the request ids that are made here.
    pub process: u64,
    /// Heard by those who follow orders.
    pub stopped: StopSignal,
}

/// Shared by all calls.
#[derive(Clone)]
pub struct App {
    pub(crate) engine: Engine,
    pub(crate) options: AppOptions,
    pub(crate) request_ids: Arc<RequestIds>,
    pub(crate) watchers: Arc<Semaphore>,
}

/// One call: who asks, under which id, with which key.
pub(crate) struct Call {
    pub(crate) app: App,
    pub(crate) caller: Caller,
    pub(crate) guest_token: Option<GuestToken>,
    pub(crate) deadline: Option<Instant>,
    pub(crate) request_id: Arc<str>,
    key: Option<String>,
}

/// An answer, and whether the same key had brought it before.
pub(crate) struct Answered<T> {
    message: T,
    is_replay: bool,
}

impl<T> From<T> for Answered<T> {
    fn from(message: T) -> Self {
        Self { message, is_replay: false }
    }
}

impl<T> Answered<T> {
    /// Of a command.
    pub(crate) fn of(message: T, is_replay: bool) -> Self {
        Self { message, is_replay }
    }
}

impl App {
    /// A door for `engine`.
    pub fn new(engine: Engine, options: AppOptions) -> Self {
        let request_ids = Arc::new(RequestIds::new(options.process));
        Self { engine, options, request_ids, watchers: Arc::new(Semaphore::new(WATCHERS_MAX)) }
    }

    /// Answers one call. The work goes on when its caller leaves or his deadline passes.
    pub(crate) async fn answer<M, T, W>(
        &self,
        admitted: &[Role],
        request: Request<M>,
        work: impl FnOnce(Call, M) -> W,
    ) -> Result<Response<T>, Status>
    where
        T: Send + 'static,
        W: Future<Output = Result<Answered<T>, Problem>> + Send + 'static,
    {
        let (metadata, extensions, message) = request.into_parts();
        let internal = || Problem::from(Failure::Bug("".into()));
        // Only a server without its outermost layer has no head.
        let head = extensions.get::<Head>().cloned().ok_or_else(|| internal().into_status(""))?;
        let request_id = head.request_id.clone();
        let refused = |problem: Problem| problem.into_status(&request_id);
        // While `auth = off`, everybody who reaches the loopback listener is the administrator.
        let caller = Caller::local_admin();
        if !admitted.contains(&caller.role) {
            return Err(refused(Problem::new(Code::PermissionDenied, "FORBIDDEN", "The credentials do not allow this")));
        }
        let call = Call {
            app: self.clone(),
            caller,
            guest_token: guest_token(&metadata),
            deadline: head.deadline,
            request_id: head.request_id,
            key: idempotency_key(&metadata).map_err(&refused)?,
        };
        let answered = tokio::spawn(work(call, message)).await.unwrap_or_else(|_panicked| Err(internal())).map_err(&refused)?;
        let mut response = Response::new(answered.message);
        if answered.is_replay {
            response.metadata_mut().insert(IDEMPOTENCY_REPLAYED, tonic::metadata::MetadataValue::from_static("true"));
        }
        Ok(response)
    }
}

impl Call {
    /// Waits no longer than a caller would. What was submitted goes on all the same.
    pub(crate) async fn wait<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Problem> {
        let done = tokio::time::timeout(self.app.options.patience, work).await;
        done.unwrap_or(Err(Failure::Unsure)).map_err(Problem::from)
    }

    /// Asks the store, and waits no longer than a caller would.
    pub(crate) async fn question<T>(&self, question: impl Future<Output = Result<T, Unavailable>>) -> Result<T, Problem> {
        let silent = || Err(Unavailable::new("it did not answer in time"));
        tokio::time::timeout(QUESTION_WITHIN, question).await.unwrap_or_else(|_| silent()).map_err(|away| {
            tracing::warn!(%away, "a question was not answered");
            Failure::from(away).into()
        })
    }

    /// Reads what is asked for. A known key with a broken message is a reused key: the first request was not broken.
    pub(crate) async fn read<C: Command, T>(&self, doc: &Doc, build: impl FnOnce(&mut Fields<'_>) -> T) -> Result<T, Problem> {
        let errors = match fields::read(doc, build) {
            Ok(value) => return Ok(value),
            Err(errors) => errors,
        };
        match &self.key {
            Some(key) if self.app.engine.key_was_used::<C>(&self.caller, key).await? => Err(Problem::from(&domain::Refusal::KeyReused)),
            _ => Err(errors.into()),
        }
    }

    /// What the engine is asked with, for what `doc` asks for. `path` is that of the HTTP door: the same request with the same key is the
    /// same at both.
    pub(crate) fn ask(&self, path: &str, doc: &Doc) -> Ask {
        let key = self.key.as_deref().map(|key| (key.into(), Fingerprint(fingerprint(path, doc, "idempotency_key"))));
        Ask { key, ..Ask::of(self.caller.clone(), self.request_id.clone()) }
    }

    /// Carries `command` out, which `doc` asks for.
    pub(crate) async fn submit<C: Command>(&self, command: C, path: &str, doc: &Doc) -> Result<Done<C::Answer>, Problem> {
        self.wait(self.app.engine.submit(command, self.ask(path, doc))).await
    }
}
