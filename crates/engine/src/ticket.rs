//! A command on its way through the pipeline, and the idempotency of all of them.

use std::sync::Arc;
use std::time::Instant;

use domain::command::{Answer, Command, Context, Stop};
use domain::ids::OrderNumber;
use domain::key::{Fingerprint, KeyRow};
use domain::order::Status;
use domain::tables::Write;
use domain::time::Time;
use domain::{Changes, Gap, Needs, Refusal, View};
use tokio::sync::oneshot;

use crate::Failure;
use crate::measure;

/// What the caller gets.
#[derive(Clone, PartialEq, Debug)]
pub struct Done<A> {
    /// The answer.
    pub answer: A,
    /// The same key was used before: this is the first answer, as of now.
    pub is_replay: bool,
}

/// A command without its type: what the queue holds and a writer works on.
pub(crate) trait Job: Send {
    /// When the caller gives up.
    fn deadline(&self) -> Time;
    /// Puts on the shelves what needs no store.
    fn prepare(&self, seen: &mut View);
    /// What must be loaded.
    fn needs(&self, seen: &View, needs: &mut Needs);
    /// Decides and keeps the answer; `None`: there is nothing to save.
    fn decide(&mut self, seen: &View) -> Result<Option<Changes>, Gap>;
    /// Ends without an answer.
    fn fail(&mut self, failure: Failure);
    /// Counts how it ended and gives the caller what was kept. A caller who has left misses it, nothing else.
    fn answer(&mut self);
    /// Writes the line of the log, which nobody waits for.
    fn log(self: Box<Self>);
}

/// A command with everything that belongs to it.
pub(crate) struct Ticket<C: Command> {
    pub(crate) command: C,
    pub(crate) cx: Context,
    pub(crate) fingerprint: Option<Fingerprint>,
    pub(crate) deadline: Time,
    /// For measuring only: decisions use the context's time.
    pub(crate) submitted: Instant,
    /// What it decides is answered and dropped.
    pub(crate) dry_run: bool,
    pub(crate) outcome: Result<Done<C::Answer>, Failure>,
    pub(crate) moved: Option<(Option<Status>, Status)>,
    /// For measuring only.
    pub(crate) refunds_begun: u64,
    /// Until it is answered.
    pub(crate) reply: Option<oneshot::Sender<Result<Done<C::Answer>, Failure>>>,
}

impl<C: Command> Ticket<C> {
    /// The first answer to this key, if it was used before.
    fn replay(&self, seen: &View) -> Result<Option<Result<C::Answer, Refusal>>, Gap> {
        let (Some(key), Some(fingerprint)) = (&self.cx.key, self.fingerprint) else { return Ok(None) };
        match seen.keys.get(key)? {
            None => Ok(None),
            Some(row) if row.fingerprint != fingerprint => Ok(Some(Err(Refusal::KeyReused))),
            Some(row) => match C::Answer::recall(&row.answer, seen) {
                Ok(answer) => Ok(Some(Ok(answer))),
                Err(Stop::Refused(refusal)) => Ok(Some(Err(refusal))),
                Err(Stop::Gap(gap)) => Err(gap),
            },
        }
    }

    /// What only was asked for counts as nothing that happened; a bug of ours happened all the same.
    fn happened(&self) -> bool {
        !self.dry_run || matches!(self.outcome, Err(Failure::Bug(_)))
    }

    /// Saves with the changes that this key was used for them.
    fn remember(&self, changes: &mut Changes, answer: &C::Answer) {
        if let (Some(key), Some(fingerprint)) = (&self.cx.key, self.fingerprint) {
            let row = KeyRow { key: key.clone(), fingerprint, answer: answer.remember().into(), created_at: self.cx.now };
            changes.keys.insert(key.clone(), Write { expected: 0, row: Arc::new(row) });
        }
    }
}

impl<C: Command> Job for Ticket<C> {
    fn deadline(&self) -> Time {
        self.deadline
    }

    fn prepare(&self, seen: &mut View) {
        if self.dry_run {
            // A number that is drawn is gone: what is only asked for gets one that nobody has.
            let mut needs = Needs::default();
            self.command.needs(seen, &self.cx, &mut needs);
            seen.numbers.extend(needs.numbers.into_iter().map(|(order_id, year)| (order_id, OrderNumber { year, serial: 0 })));
        }
    }

    fn needs(&self, seen: &View, needs: &mut Needs) {
        if let Some(key) = &self.cx.key {
            needs.keys.insert(key.clone());
            if let Some(row) = seen.keys.peek(key) {
                C::Answer::needs(&row.answer, seen, needs);
                return;
            }
        }
        self.command.needs(seen, &self.cx, needs);
    }

    fn decide(&mut self, seen: &View) -> Result<Option<Changes>, Gap> {
        (self.moved, self.refunds_begun) = (None, 0);
        if let Some(replayed) = self.replay(seen)? {
            self.outcome = replayed.map(|answer| Done { answer, is_replay: true }).map_err(Failure::Refused);
            return Ok(None);
        }
        match self.command.decide(seen, &self.cx) {
            Ok(decision) if self.dry_run => {
                self.outcome = Ok(Done { answer: decision.answer, is_replay: false });
                Ok(None)
            }
            Ok(decision) => {
                let mut changes = decision.changes;
                self.moved = changes.facts.first().zip(changes.facts.last()).map(|(first, last)| (first.from, last.to));
                self.refunds_begun = changes.refunds.values().map(|write| u64::from(write.expected == 0)).sum();
                self.remember(&mut changes, &decision.answer);
                self.outcome = Ok(Done { answer: decision.answer, is_replay: false });
                Ok((!changes.is_empty()).then_some(changes))
            }
            Err(Stop::Refused(refusal)) => {
                self.outcome = Err(Failure::Refused(refusal));
                Ok(None)
            }
            Err(Stop::Gap(gap)) => Err(gap),
        }
    }

    fn fail(&mut self, failure: Failure) {
        self.outcome = Err(failure);
    }

    fn answer(&mut self) {
        if self.happened() {
            measure::refunds_begun(self.refunds_begun, self.outcome.is_ok());
            measure::count::<C>(&self.outcome, self.moved, self.submitted.elapsed());
        }
        if let Some(reply) = self.reply.take() {
            // The receiver is gone when the caller has left.
            let _left = reply.send(self.outcome.clone());
        }
    }

    fn log(self: Box<Self>) {
        if self.happened() {
            measure::log::<C>(&self.cx, &self.outcome, self.moved);
        }
    }
}
