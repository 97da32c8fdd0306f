//! Takes what waits, loads for all of it at once, decides one after the other, saves in one transaction, waits for the disk, answers.
//!
//! A writer has a turn from taking until it has saved. While it waits for the disk, the next one has the turn.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use domain::{Changes, Needs, View};
use tokio::sync::OwnedSemaphorePermit;

use crate::Failure;
use crate::engine::Shared;
use crate::port::{Mark, SaveError, Session, Settled, Unavailable};
use crate::step::Step;
use crate::ticket::Job;

/// How often a batch is decided again after a lost race before it is halved.
const TRIES_TOGETHER: u32 = 3;
/// How often one command alone is. Each lost race means that somebody else got on; so many in a row are no accident.
const TRIES_ALONE: u32 = 12;
/// How often needs may depend on what was loaded: a payment's order's stock is three.
const ROUNDS_MAX: usize = 8;
/// How long commands wait for more to come while a batch is under way. A usual batch has ended by then; this is for one whose store hangs.
const PATIENCE_MS: u64 = 10;
/// How often a save whose end was not seen is asked about.
const SETTLE_TRIES: u32 = 5;

type Batch = Vec<Box<dyn Job>>;

/// One writer. Several share the queue of an engine.
pub struct Writer {
    shared: Arc<Shared>,
    session: Option<Box<dyn Session>>,
}

/// How an attempt at a batch ended.
enum Ended {
    /// What was decided is saved, though perhaps not on the disk yet; empty: there was nothing to save.
    Saved(Box<Changes>),
    Lost(Arc<str>),
    Rejected(Arc<str>),
    Failed(Failure),
}

impl Writer {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, session: None }
    }

    /// Works until the queue is closed and empty.
    pub async fn run(mut self) {
        loop {
            let turn = self.turn().await;
            let patience = || self.shared.pause.pause(PATIENCE_MS);
            let Some(batch) = self.shared.queue.take(self.shared.options.batch_max, patience).await else { return };
            self.at(Step::Taken);
            let count = batch.len();
            let answered = self.carry_out(batch, turn).await;
            self.at(Step::Answered);
            self.shared.queue.ended(count);
            for job in answered {
                job.log();
            }
        }
    }

    fn at(&self, step: Step) {
        (self.shared.options.at_step)(step);
    }

    /// Whoever waits for his turn has taken nothing: what comes meanwhile is one batch, not two.
    async fn turn(&mut self) -> OwnedSemaphorePermit {
        self.shared.turns.clone().acquire_owned().await.expect("nobody closes the semaphore")
    }

    /// Gives back what it has answered.
    async fn carry_out(&mut self, batch: Batch, turn: OwnedSemaphorePermit) -> Batch {
        let now = self.shared.clock.now();
        let (batch, late): (Batch, Batch) = batch.into_iter().partition(|job| job.deadline() > now);
        let mut answered = end(late, |job| job.fail(Failure::Overloaded));
        let mut turn = Some(turn);
        let mut waiting = vec![(batch, 0)];
        while let Some((mut batch, tries)) = waiting.pop() {
            if batch.is_empty() {
                continue;
            }
            match self.attempt(&mut batch).await {
                Ended::Saved(changes) => {
                    if waiting.is_empty() {
                        drop(turn.take());
                    }
                    answered.extend(self.answer(batch, &changes).await);
                }
                Ended::Failed(failure) => answered.extend(end(batch, |job| job.fail(failure.clone()))),
                Ended::Lost(reason) => {
                    metrics::counter!("commit_lost_total").increment(1);
                    let tries = tries + 1;
                    if batch.len() == 1 && tries >= TRIES_ALONE {
                        answered.extend(end(batch, |job| job.fail(Failure::Bug(reason.clone()))));
                    } else if batch.len() > 1 && tries >= TRIES_TOGETHER {
                        waiting.extend(halves(batch));
                    } else {
                        waiting.push((batch, tries));
                    }
                }
                Ended::Rejected(reason) if batch.len() == 1 => {
                    tracing::error!(reason = &*reason, "the store refuses a decided change");
                    answered.extend(end(batch, |job| job.fail(Failure::Bug(reason.clone()))));
                }
                Ended::Rejected(_) => waiting.extend(halves(batch)),
            }
        }
        answered
    }

    /// Answers once all that the answers rest on is on the disk: refusals and repetitions too rest on what others have saved.
    async fn answer(&mut self, batch: Batch, changes: &Changes) -> Batch {
        let durable = match &mut self.session {
            Some(session) => session.durable().await,
            None => Ok(()),
        };
        match durable {
            Ok(()) => {
                self.at(Step::Durable);
                if !changes.is_empty() {
                    self.saved(changes, batch.len());
                }
                end(batch, |_| ())
            }
            Err(away) if changes.is_empty() => {
                let failure = Failure::from(away);
                end(batch, |job| job.fail(failure.clone()))
            }
            Err(away) => {
                tracing::error!(%away, "a save may not be on the disk");
                metrics::counter!("commit_unsure_total").increment(1);
                end(batch, |job| job.fail(Failure::Unsure))
            }
        }
    }

    async fn attempt(&mut self, batch: &mut Batch) -> Ended {
        match self.decide(batch).await {
            Ok(changes) if changes.is_empty() => Ended::Saved(Box::new(changes)),
            Ok(changes) => self.save(changes).await,
            Err(away) => Ended::Failed(away.into()),
        }
    }

    /// Loads and decides: each command sees what those before it have decided.
    async fn decide(&mut self, batch: &mut Batch) -> Result<Changes, Unavailable> {
        let mut seen = View::default();
        self.load(batch, &mut seen).await?;
        self.at(Step::Loaded);
        let mut changes = Changes::default();
        for job in batch {
            let mut decided = decide(job.as_mut(), &seen);
            if let Err(gap) = &decided {
                // The batch has moved on what this command's needs depend on: ask it again, against what holds now.
                tracing::debug!(%gap, "loading again");
                self.load(std::slice::from_mut(job), &mut seen).await?;
                decided = decide(job.as_mut(), &seen);
            }
            match decided {
                Ok(Some(more)) => {
                    seen.apply(&more);
                    changes.absorb(&more);
                }
                Ok(None) => {}
                Err(gap) => job.fail(Failure::Bug(gap.to_string().into())),
            }
        }
        Ok(changes)
    }

    async fn load(&mut self, jobs: &mut [Box<dyn Job>], seen: &mut View) -> Result<(), Unavailable> {
        for job in &*jobs {
            job.prepare(seen);
        }
        for round in 0..ROUNDS_MAX {
            let mut needs = Needs::default();
            for job in &*jobs {
                job.needs(seen, &mut needs);
            }
            if round == 0 {
                self.shared.lately.needs(jobs, &mut needs);
            }
            let missing = needs.without(seen);
            if missing.is_empty() {
                return Ok(());
            }
            self.session().await?.load(&missing, seen).await?;
            seen.settle(&missing);
        }
        Ok(())
    }

    async fn save(&mut self, changes: Changes) -> Ended {
        let mark = Mark(self.shared.clock.mint().id(0));
        let at = self.shared.options.at_step;
        let session = match self.session().await {
            Ok(session) => session,
            Err(away) => return Ended::Failed(away.into()),
        };
        at(Step::Saving);
        match session.save(&changes, mark).await {
            Ok(()) => {
                at(Step::Saved);
                Ended::Saved(Box::new(changes))
            }
            Err(SaveError::Lost(reason)) => Ended::Lost(reason),
            Err(SaveError::Rejected(reason)) => Ended::Rejected(reason),
            Err(SaveError::Unavailable(away)) => Ended::Failed(away.into()),
            Err(SaveError::Unknown(reason)) => {
                tracing::warn!(reason = &*reason, "the end of a save was not seen; asking the store");
                self.settle(changes, mark).await
            }
        }
    }

    async fn settle(&mut self, changes: Changes, mark: Mark) -> Ended {
        for attempt in 0..SETTLE_TRIES {
            if attempt > 0 {
                self.shared.pause.pause(200).await;
            }
            let Ok(session) = self.session().await else { continue };
            match session.settle(mark).await {
                Ok(Settled::Saved) => return Ended::Saved(Box::new(changes)),
                Ok(Settled::NotSaved) => return Ended::Lost("the connection broke before the commit".into()),
                Err(away) => tracing::debug!(%away, "cannot settle yet"),
            }
        }
        metrics::counter!("commit_unsure_total").increment(1);
        Ended::Failed(Failure::Unsure)
    }

    fn saved(&self, changes: &Changes, commands: usize) {
        #[expect(clippy::cast_precision_loss, reason = "a batch has at most a few hundred commands")]
        metrics::histogram!("commit_batch_size").record(commands as f64);
        self.shared.lately.note(changes);
        self.shared.signals.committed(changes);
    }

    async fn session(&mut self) -> Result<&mut Box<dyn Session>, Unavailable> {
        match &mut self.session {
            Some(session) => Ok(session),
            empty => Ok(empty.insert(self.shared.store.session().await?)),
        }
    }
}

/// Decides one command. A panic fails only this one.
fn decide(job: &mut dyn Job, seen: &View) -> Result<Option<Changes>, domain::Gap> {
    catch_unwind(AssertUnwindSafe(|| job.decide(seen))).unwrap_or_else(|_panic| {
        job.fail(Failure::Bug("a decision panicked".into()));
        Ok(None)
    })
}

/// Answers a batch, after a last word to each command.
fn end(mut batch: Batch, mut last_word: impl FnMut(&mut Box<dyn Job>)) -> Batch {
    for job in &mut batch {
        last_word(job);
        job.answer();
    }
    batch
}

fn halves(mut batch: Batch) -> [(Batch, u32); 2] {
    let second = batch.split_off(batch.len() / 2);
    // The first half is on top: commands keep their order.
    [(second, 0), (batch, 0)]
}
