//! Works over many connections for a while and counts what comes back.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::BenchArgs;
use super::catalogue;
use super::connection::Connection;
use super::histogram::Histogram;
use super::pace::{Pace, Phases};
use super::target::Target;
use super::work::{Done, Work};

/// Answers that come later than this after the end are not waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// A connection that was refused is not tried again at once.
const RECONNECT_AFTER: Duration = Duration::from_millis(50);

/// How often the progress line changes.
const PROGRESS_EVERY: Duration = Duration::from_millis(250);

/// What came of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    /// How long those took that count, from when they were due; of what never ended, how long it was waited for.
    pub(crate) latency: Histogram,
    /// Orders with a 2xx.
    pub(crate) ok: u64,
    /// All others that were sent.
    pub(crate) failed: u64,
    /// Answers by HTTP status.
    pub(crate) statuses: BTreeMap<u16, u64>,
    /// Orders that were due but that no connection was free for; neither ok nor failed.
    pub(crate) not_sent: u64,
    /// From the first order that counts to the last answer.
    pub(crate) elapsed: Duration,
    /// What the first failure said.
    pub(crate) first_failure: Option<String>,
    /// The latency of each kind of reading, and of the steps that are told by themselves.
    pub(crate) kinds: BTreeMap<&'static str, Histogram>,
}

/// The outcome so far, and for each connection since when it waits for an answer that counts.
struct Tally {
    outcome: Outcome,
    waiting: Vec<Option<Instant>>,
    last_answer: Instant,
}

/// Warms up, measures, and waits for what is under way, but not for ever.
pub(crate) async fn run(target: &Target, args: &BenchArgs, work: impl Fn(u16) -> Work, progress: bool) -> Outcome {
    let start = Instant::now();
    let counted = start + Duration::from_secs(args.warmup.into());
    let phases = Phases { start, counted, end: counted + Duration::from_secs(args.seconds.into()) };
    let pace = Pace::start(args.rate, phases);
    let waiting = vec![None; usize::from(args.connections)];
    let tally = Rc::new(RefCell::new(Tally { outcome: Outcome::default(), waiting, last_answer: phases.end }));

    let mut buyers = JoinSet::new();
    for number in 0..args.connections {
        let connection = Connection::to(target.address);
        let buyer = Buyer { number: number.into(), connection, work: work(number), tally: Rc::clone(&tally) };
        buyers.spawn_local(buyer.buy(pace.clone(), phases));
    }
    let mut lines = JoinSet::new();
    if progress {
        lines.spawn_local(show_progress(Rc::clone(&tally), phases));
    }
    let everybody = async { while buyers.join_next().await.is_some() {} };
    let in_time = tokio::time::timeout_at((phases.end + PATIENCE).into(), everybody).await.is_ok();
    lines.shutdown().await;
    buyers.shutdown().await;
    if progress {
        eprint!("\r\x1b[K");
    }

    let mut tally = tally.borrow_mut();
    let stopped = if in_time { tally.last_answer } else { Instant::now() };
    for due in std::mem::take(&mut tally.waiting).into_iter().flatten() {
        tally.fail(stopped.saturating_duration_since(due), || format!("no answer within {} seconds after the end", PATIENCE.as_secs()));
    }
    for due in pace.left_over() {
        tally.outcome.latency.record(stopped.saturating_duration_since(due));
        tally.outcome.not_sent += 1;
    }
    Outcome { elapsed: stopped - phases.counted, ..tally.outcome.clone() }
}

impl Tally {
    fn fail(&mut self, latency: Duration, why: impl FnOnce() -> String) {
        self.outcome.latency.record(latency);
        self.outcome.failed += 1;
        self.outcome.first_failure.get_or_insert_with(why);
    }

    fn answer(&mut self, latency: Duration, done: &Done, body: &[u8]) {
        let status = done.status;
        *self.outcome.statuses.entry(status).or_default() += 1;
        if let Some((kind, took)) = done.part {
            self.outcome.kinds.entry(kind).or_default().record(took.unwrap_or(latency));
        }
        if (200..300).contains(&status) {
            self.outcome.latency.record(latency);
            self.outcome.ok += 1;
        } else {
            self.fail(latency, || format!("{status} {}", catalogue::beginning(body)));
        }
    }
}

/// One connection that does one thing after the other.
struct Buyer {
    number: usize,
    connection: Connection,
    work: Work,
    tally: Rc<RefCell<Tally>>,
}

impl Buyer {
    async fn buy(mut self, pace: Pace, phases: Phases) {
        while let Some(due) = pace.next(phases).await {
            let counts = due >= phases.counted;
            self.tally.borrow_mut().waiting[self.number] = counts.then_some(due);
            let done = self.work.once(&mut self.connection).await;
            let failed = done.is_err();
            let now = Instant::now();
            {
                let mut tally = self.tally.borrow_mut();
                tally.waiting[self.number] = None;
                if counts {
                    tally.last_answer = tally.last_answer.max(now);
                    match done {
                        Ok(done) => tally.answer(now - due, &done, self.connection.body()),
                        Err(error) => tally.fail(now - due, || error.to_string()),
                    }
                }
            }
            if failed {
                tokio::time::sleep(RECONNECT_AFTER).await;
            }
        }
    }
}

async fn show_progress(tally: Rc<RefCell<Tally>>, phases: Phases) {
    loop {
        let now = Instant::now();
        let (done, all) = (now.min(phases.end) - phases.start, phases.end - phases.start);
        let phase = if now < phases.counted { "warming up" } else { "measuring" };
        {
            let outcome = &tally.borrow().outcome;
            eprint!("\r\x1b[K{phase}: {} of {} s, {} orders, {} failed ", done.as_secs(), all.as_secs(), outcome.ok, outcome.failed);
        }
        tokio::time::sleep(PROGRESS_EVERY).await;
    }
}
