//! A writer in its plainest form: loads for a batch of commands, decides one after the other, saves, answers.

use std::fmt::Debug;
use std::sync::Arc;

use domain::cart::Cart;
use domain::command::{Answer, Command, Context, Stop};
use domain::hold::Hold;
use domain::ids::{OrderId, PaymentId, RefundId};
use domain::key::{Fingerprint, KeyRow};
use domain::tables::{Gap, Write};
use domain::{Changes, Needs, Refusal, View};
use engine::port::{SaveError, Session, Store};

use super::hands::fresh_mark;

/// How often a command may ask for more before that is a bug.
const ROUNDS_MAX: usize = 8;

/// What became of a command.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Outcome<A> {
    /// It was done and saved.
    Done(A),
    /// It had been done under the same key.
    Replayed(A),
    /// It was refused.
    Refused(Refusal),
    /// It was decided, alone and against the newest rows, but the store does not take it: a bug of the domain.
    Unsaved,
}

/// A command with all that it needs to be decided.
#[derive(Debug)]
pub(super) struct Job<C: Command> {
    command: C,
    cx: Context,
    outcome: Option<Outcome<C::Answer>>,
}

/// A job without its type.
pub(super) trait Work: Send {
    fn needs(&self, seen: &View, needs: &mut Needs);
    fn decide(&mut self, seen: &View) -> Result<Changes, Gap>;
    fn fail(&mut self);
    /// The outcome in words.
    fn said(&self) -> String;
    /// What there is now, if it was done.
    fn made(&self) -> Made;
}

/// What an answer tells that there is.
#[derive(Clone, Debug, Default)]
pub(super) struct Made {
    pub(super) order: Option<OrderId>,
    pub(super) payment: Option<PaymentId>,
    pub(super) refund: Option<RefundId>,
    pub(super) cart: Option<Arc<Cart>>,
    pub(super) hold: Option<Arc<Hold>>,
}

/// How an answer is written down so that stores can be compared.
pub(super) trait Shown {
    fn shown(&self) -> String;

    fn made(&self) -> Made {
        Made::default()
    }
}

impl<C: Command + Debug> Job<C> {
    pub(super) fn new(command: C, cx: Context) -> Self {
        Self { command, cx, outcome: None }
    }

    pub(super) fn outcome(self) -> Outcome<C::Answer> {
        self.outcome.expect("a batch gives every job its outcome")
    }

    /// FNV-1a of what the caller said, spread over 32 bytes.
    fn fingerprint(&self) -> Fingerprint {
        let text = format!("{:?}", self.command);
        let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        Fingerprint(std::array::from_fn(|index| hash.rotate_left(u32::try_from(index * 7).expect("below 224")).to_le_bytes()[0]))
    }

    fn used<'v>(&self, seen: &'v View) -> Option<&'v Arc<KeyRow>> {
        self.cx.key.as_ref().and_then(|key| seen.keys.peek(key))
    }

    fn decided(&self, seen: &View) -> Result<(Changes, Outcome<C::Answer>), Gap> {
        if let Some(key) = &self.cx.key
            && let Some(row) = seen.keys.get(key)?
        {
            if row.fingerprint != self.fingerprint() {
                return Ok((Changes::default(), Outcome::Refused(Refusal::KeyReused)));
            }
            return match C::Answer::recall(&row.answer, seen) {
                Ok(answer) => Ok((Changes::default(), Outcome::Replayed(answer))),
                Err(Stop::Refused(refusal)) => Ok((Changes::default(), Outcome::Refused(refusal))),
                Err(Stop::Gap(gap)) => Err(gap),
            };
        }
        let mut decision = match self.command.decide(seen, &self.cx) {
            Ok(decision) => decision,
            Err(Stop::Refused(refusal)) => return Ok((Changes::default(), Outcome::Refused(refusal))),
            Err(Stop::Gap(gap)) => return Err(gap),
        };
        if let Some(key) = self.cx.key.clone() {
            let answer = decision.answer.remember().into();
            let row = KeyRow { key: key.clone(), fingerprint: self.fingerprint(), answer, created_at: self.cx.now };
            decision.changes.keys.insert(key, Write { expected: 0, row: Arc::new(row) });
        }
        Ok((decision.changes, Outcome::Done(decision.answer)))
    }
}

impl<C: Command + Debug> Work for Job<C>
where
    C::Answer: Shown,
{
    fn needs(&self, seen: &View, needs: &mut Needs) {
        needs.keys.extend(self.cx.key.clone());
        match self.used(seen) {
            Some(row) => C::Answer::needs(&row.answer, seen, needs),
            None => self.command.needs(seen, &self.cx, needs),
        }
    }

    fn decide(&mut self, seen: &View) -> Result<Changes, Gap> {
        let (changes, outcome) = self.decided(seen)?;
        self.outcome = Some(outcome);
        Ok(changes)
    }

    fn fail(&mut self) {
        self.outcome = Some(Outcome::Unsaved);
    }

    fn said(&self) -> String {
        let text = match &self.outcome {
            Some(Outcome::Done(answer)) => format!("done: {}", answer.shown()),
            Some(Outcome::Replayed(answer)) => format!("replayed: {}", answer.shown()),
            Some(Outcome::Refused(refusal)) => format!("refused: {refusal:?}"),
            Some(Outcome::Unsaved) => "not saved".to_owned(),
            None => "not decided".to_owned(),
        };
        format!("{}: {text}", C::NAME)
    }

    fn made(&self) -> Made {
        match &self.outcome {
            Some(Outcome::Done(answer) | Outcome::Replayed(answer)) => answer.made(),
            _ => Made::default(),
        }
    }
}

/// Where commands are done.
pub(super) struct Desk {
    session: Box<dyn Session>,
}

impl Desk {
    pub(super) async fn of(store: &Arc<dyn Store>) -> Self {
        Self { session: store.session().await.expect("a store that works gives a session") }
    }

    /// Does one command.
    pub(super) async fn act<C: Command + Debug>(&mut self, command: C, cx: Context) -> Outcome<C::Answer>
    where
        C::Answer: Shown,
    {
        let mut job = Job::new(command, cx);
        self.batch(&mut [&mut job]).await;
        job.outcome()
    }

    /// Does all of `jobs` in one save; if that is lost, each in a save of its own.
    pub(super) async fn batch(&mut self, jobs: &mut [&mut dyn Work]) {
        if self.together(jobs).await {
            return;
        }
        for job in jobs {
            if !self.together(&mut [&mut **job]).await {
                job.fail();
            }
        }
    }

    async fn together(&mut self, jobs: &mut [&mut dyn Work]) -> bool {
        let mut seen = View::default();
        for _ in 0..ROUNDS_MAX {
            let needs = missing(jobs, &seen);
            if needs.is_empty() {
                break;
            }
            self.load(&needs, &mut seen).await;
        }
        let mut sum = Changes::default();
        for job in jobs {
            let changes = self.decide(&mut **job, &mut seen).await;
            seen.apply(&changes);
            sum.absorb(&changes);
        }
        if sum.is_empty() {
            return true;
        }
        match self.session.save(&sum, fresh_mark()).await {
            Ok(()) => true,
            Err(SaveError::Lost(_) | SaveError::Rejected(_)) => false,
            Err(error) => panic!("a store that works saves or refuses: {error:?}"),
        }
    }

    async fn load(&mut self, needs: &Needs, seen: &mut View) {
        self.session.load(needs, seen).await.expect("a store that works loads");
        seen.settle(needs);
    }

    async fn decide(&mut self, job: &mut dyn Work, seen: &mut View) -> Changes {
        for _ in 0..ROUNDS_MAX {
            let gap = match job.decide(seen) {
                Ok(changes) => return changes,
                Err(gap) => gap,
            };
            // What an earlier command of the batch has made may need more.
            let needs = missing(&[&mut *job], seen);
            assert!(!needs.is_empty(), "nobody asks for it, but it is missing: {gap}");
            self.load(&needs, seen).await;
        }
        panic!("a command asks for more without end");
    }
}

/// What `jobs` need and `seen` does not know.
fn missing(jobs: &[&mut dyn Work], seen: &View) -> Needs {
    let mut needs = Needs::default();
    for job in jobs {
        job.needs(seen, &mut needs);
    }
    needs.without(seen)
}
