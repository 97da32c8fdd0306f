//! The one way in: commands are submitted, questions are asked.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use domain::Caller;
use domain::command::{Command, Context, Settings};
use domain::key::{Fingerprint, ScopedKey};
use domain::time::Time;
use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::Failure;
use crate::lately::Lately;
use crate::port::{Clock, Queries, Store};
use crate::queue::{NotQueued, Queue};
use crate::signals::{Intent, Signals};
use crate::step::Step;
use crate::ticket::{Done, Ticket};
use crate::writer::Writer;

/// How an engine is set up.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Concurrent writers. Two keep two cores and one disk busy; four were measured to be slower.
    pub writers: usize,
    /// How many of them may take commands, load, decide and save at once. The others wait for the disk.
    pub turns: usize,
    /// Commands that may wait; the next one is refused. At 10,000 a second it is not full before half a second.
    pub queue_max: usize,
    /// Commands in one transaction. 64 and more were measured to be equal.
    pub batch_max: usize,
    /// How long a command may wait before nobody wants its answer.
    pub patience_ms: i64,
    /// Is told of each step.
    pub at_step: fn(Step),
}

impl Default for Options {
    fn default() -> Self {
        Self { writers: 2, turns: 2, queue_max: 5000, batch_max: 256, patience_ms: 10_000, at_step: |_| () }
    }
}

/// Lets time pass. The simulator's takes none.
#[async_trait]
pub trait Pause: Send + Sync + 'static {
    /// Returns after `ms` milliseconds.
    async fn pause(&self, ms: u64);
}

/// The runtime's timer.
#[derive(Clone, Copy, Debug)]
pub struct RealPause;

#[async_trait]
impl Pause for RealPause {
    async fn pause(&self, ms: u64) {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }
}

pub(crate) struct Shared {
    pub(crate) queue: Queue<Box<dyn crate::ticket::Job>>,
    pub(crate) turns: Arc<Semaphore>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) pause: Arc<dyn Pause>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) signals: Signals,
    pub(crate) lately: Lately,
    pub(crate) options: Options,
    intents: Mutex<Option<mpsc::UnboundedReceiver<Intent>>>,
}

/// Who asks for a command, and under which key.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Who.
    pub caller: Caller,
    /// The request it came with.
    pub request_id: Arc<str>,
    /// The caller's key, and the fingerprint of what he said with it.
    pub key: Option<(Arc<str>, Fingerprint)>,
    /// The versions in which he wants the order changed; `None`: any.
    pub only_if: Option<Arc<[i64]>>,
    /// Only decides and answers: nothing is saved, and no command beside it sees what it decided.
    pub dry_run: bool,
}

impl Ask {
    /// Of `caller`: in earnest, without a key and without a condition.
    pub const fn of(caller: Caller, request_id: Arc<str>) -> Self {
        Self { caller, request_id, key: None, only_if: None, dry_run: false }
    }

    /// Of the service itself.
    pub fn of_worker(name: &'static str) -> Self {
        Self::of(Caller::system(), name.into())
    }

    /// The same, without the key: for a command that follows from the one with the key.
    #[must_use]
    pub fn without_key(&self) -> Self {
        Self { key: None, ..self.clone() }
    }
}

/// Takes commands and questions. Cheap to clone; all clones are one engine.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

impl Engine {
    /// An engine and its writers, which somebody must run: [`run_on_threads`](crate::run_on_threads), or a simulator.
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        pause: Arc<dyn Pause>,
        settings: Settings,
        options: Options,
    ) -> (Self, Vec<Writer>) {
        let (signals, intents) = Signals::new();
        let shared = Arc::new(Shared {
            queue: Queue::new(options.queue_max),
            turns: Arc::new(Semaphore::new(options.turns.max(1))),
            store,
            clock,
            pause,
            settings: Arc::new(settings),
            signals,
            lately: Lately::default(),
            options,
            intents: Mutex::new(Some(intents)),
        });
        let writers = (0..options.writers.max(1)).map(|_| Writer::new(shared.clone())).collect();
        (Self { shared }, writers)
    }

    /// Decides `command`, saves what was decided, then answers. The caller may leave at any time; it is carried out all the same.
    pub async fn submit<C: Command>(&self, command: C, ask: Ask) -> Result<Done<C::Answer>, Failure> {
        let now = self.now();
        let (key, fingerprint) = match ask.key {
            Some((key, fingerprint)) => (Some(ScopedKey::new(C::key_owner(&ask.caller), C::NAME, &key)), Some(fingerprint)),
            None => (None, None),
        };
        let cx = Context {
            now,
            caller: ask.caller,
            request_id: ask.request_id,
            key,
            mint: self.shared.clock.mint(),
            settings: self.shared.settings.clone(),
            only_if: ask.only_if,
        };
        let dry_run = ask.dry_run;
        let (reply, answered) = oneshot::channel();
        let deadline = Time(now.0.saturating_add(self.shared.options.patience_ms));
        let outcome = Err(Failure::Bug("it was never decided".into()));
        let submitted = Instant::now();
        let ticket =
            Ticket { command, cx, fingerprint, deadline, submitted, dry_run, outcome, moved: None, refunds_begun: 0, reply: Some(reply) };
        match self.shared.queue.push(Box::new(ticket)) {
            Ok(()) => answered.await.unwrap_or(Err(Failure::Unsure)),
            Err(NotQueued::Full(_)) => Err(Failure::Overloaded),
            Err(NotQueued::Closed(_)) => Err(Failure::Stopping),
        }
    }

    /// What can be read.
    pub fn queries(&self) -> &dyn Queries {
        &*self.shared.store
    }

    /// What a caller's key did for a command, if it was used before.
    pub async fn key_was_used<C: Command>(&self, caller: &Caller, key: &str) -> Result<bool, Failure> {
        let key = ScopedKey::new(C::key_owner(caller), C::NAME, key);
        Ok(self.queries().key(&key).await?.is_some())
    }

    /// The engine's time.
    pub fn now(&self) -> Time {
        self.shared.clock.now()
    }

    /// What the operator chose.
    pub fn settings(&self) -> &Settings {
        &self.shared.settings
    }

    /// How many commands wait.
    pub fn waiting(&self) -> usize {
        self.shared.queue.len()
    }

    /// Whether it takes no more commands.
    pub fn is_closed(&self) -> bool {
        self.shared.queue.is_closed()
    }

    /// Takes no more commands; those that wait are still carried out, then the writers end.
    pub fn close(&self) {
        self.shared.queue.close();
    }

    pub(crate) fn at(&self, step: Step) {
        (self.shared.options.at_step)(step);
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// What this instance means to ask providers, for its one payments worker.
    pub(crate) fn take_intents(&self) -> Option<mpsc::UnboundedReceiver<Intent>> {
        self.shared.intents.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
