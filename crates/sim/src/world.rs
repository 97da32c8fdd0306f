//! What all parts of a run share.

use std::fmt::Write as _;
use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::time::Time;
use engine::port::Clock as _;
use testkit::StepClock;

use crate::dice::Dice;
use crate::history::History;
use crate::instance::Instance;
use crate::marks::{Faulted, Mark, Seen};
use crate::plan::Plan;
use crate::scheduler::{Newborn, Owner};
use crate::time::Timers;
use crate::weather::Losses;

/// What only the runner can do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Act {
    /// An instance dies.
    Crash(usize),
    /// An instance starts.
    Start(usize),
    /// Broken-off saves land.
    Land,
}

/// How much of what happens is written down.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Detail {
    /// A digest.
    Digest,
    /// Every line.
    Lines,
}

/// What all parts of a run share.
pub struct World {
    /// What is turned on.
    pub plan: Plan,
    /// The true time.
    pub clock: Arc<StepClock>,
    /// Who sleeps.
    pub timers: Timers,
    /// What went wrong on purpose.
    pub faulted: Faulted,
    /// What was seen.
    pub seen: Seen,
    /// Commands that were submitted.
    pub commands: AtomicU64,
    pub(crate) losses: Losses,
    is_stormy: AtomicBool,
    is_healed: AtomicBool,
    is_out: AtomicBool,
    steps: AtomicU64,
    digest: AtomicU64,
    faults: Mutex<Dice>,
    newborn: Mutex<Vec<Newborn>>,
    acts: Mutex<Vec<Act>>,
    history: Mutex<History>,
    instances: Mutex<Vec<Option<Arc<Instance>>>>,
    last_words: Mutex<Vec<Newborn>>,
    violations: Mutex<Vec<String>>,
    lines: Option<Mutex<Vec<String>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // One thread: poisoned only after a panic, when nobody judges any more.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl World {
    /// Before anything happened.
    pub fn new(plan: Plan, detail: Detail) -> Self {
        let clock = Arc::new(StepClock::new(plan.start, plan.seed));
        Self {
            timers: Timers::new(clock.clone()),
            clock,
            faulted: Faulted::default(),
            seen: Seen::default(),
            commands: AtomicU64::new(0),
            is_stormy: AtomicBool::new(false),
            is_healed: AtomicBool::new(false),
            is_out: AtomicBool::new(false),
            losses: Losses::default(),
            steps: AtomicU64::new(0),
            digest: AtomicU64::new(0xcbf2_9ce4_8422_2325),
            faults: Mutex::new(Dice::new(plan.seed, 2)),
            newborn: Mutex::default(),
            acts: Mutex::default(),
            history: Mutex::default(),
            instances: Mutex::new((0..plan.instances).map(|_| None).collect()),
            last_words: Mutex::default(),
            violations: Mutex::default(),
            lines: (detail == Detail::Lines).then(Mutex::default),
            plan,
        }
    }

    /// Faults begin.
    pub fn storm(&self) {
        self.is_stormy.store(true, Ordering::Relaxed);
        self.say(|| "the storm begins".into());
    }

    /// Faults end for good.
    pub fn heal(&self) {
        self.is_stormy.store(false, Ordering::Relaxed);
        self.is_out.store(false, Ordering::Relaxed);
        self.is_healed.store(true, Ordering::Relaxed);
        self.say(|| "everything heals".into());
    }

    /// Whether faults may happen.
    pub fn is_stormy(&self) -> bool {
        self.is_stormy.load(Ordering::Relaxed)
    }

    /// Whether no fault happens any more.
    pub fn is_healed(&self) -> bool {
        self.is_healed.load(Ordering::Relaxed)
    }

    /// Takes the whole store away, or gives it back.
    pub fn set_out(&self, out: bool) {
        self.is_out.store(out && self.is_stormy(), Ordering::Relaxed);
    }

    /// Whether the whole store is away.
    pub fn is_out(&self) -> bool {
        self.is_out.load(Ordering::Relaxed)
    }

    /// The dice of what goes wrong.
    pub fn fault_dice(&self) -> MutexGuard<'_, Dice> {
        lock(&self.faults)
    }

    /// Whether something with this rate goes wrong now.
    pub fn strikes(&self, permille: u64) -> bool {
        self.is_stormy() && self.fault_dice().happens(permille)
    }

    /// What was asked and answered.
    pub fn history(&self) -> MutexGuard<'_, History> {
        lock(&self.history)
    }

    /// Starts a task.
    pub fn spawn(&self, owner: Owner, name: impl Into<String>, future: impl Future<Output = ()> + Send + 'static) {
        lock(&self.newborn).push(Newborn { owner, name: name.into(), future: Box::pin(future) });
    }

    /// What was spawned since.
    pub fn newborn(&self) -> Vec<Newborn> {
        std::mem::take(&mut *lock(&self.newborn))
    }

    /// Keeps a task until everything else is quiet.
    pub fn spawn_at_the_end(&self, name: impl Into<String>, future: impl Future<Output = ()> + Send + 'static) {
        lock(&self.last_words).push(Newborn { owner: Owner::Client, name: name.into(), future: Box::pin(future) });
    }

    /// Starts what was kept.
    pub fn let_them_speak(&self) {
        let last_words = std::mem::take(&mut *lock(&self.last_words));
        lock(&self.newborn).extend(last_words);
    }

    /// Has the runner do something.
    pub fn act(&self, act: Act) {
        lock(&self.acts).push(act);
    }

    /// What the runner shall do.
    pub fn acts(&self) -> Vec<Act> {
        std::mem::take(&mut *lock(&self.acts))
    }

    /// The instance with this number, or the next one that lives.
    pub fn instance(&self, number: usize) -> Option<Arc<Instance>> {
        let instances = lock(&self.instances);
        let count = instances.len();
        (0..count).find_map(|offset| instances[(number + offset) % count].clone())
    }

    /// Puts an instance into its place, or takes it out; the one that was there.
    pub fn place(&self, number: usize, instance: Option<Arc<Instance>>) -> Option<Arc<Instance>> {
        std::mem::replace(&mut lock(&self.instances)[number], instance)
    }

    /// Those who live.
    pub fn living(&self) -> Vec<Arc<Instance>> {
        lock(&self.instances).iter().flatten().cloned().collect()
    }

    /// How many steps were taken.
    pub fn step(&self) -> u64 {
        self.steps.load(Ordering::Relaxed)
    }

    /// A task took a step.
    pub fn stepped(&self, task: usize, now: Time) {
        self.steps.fetch_add(1, Ordering::Relaxed);
        self.fold(u64::try_from(task).unwrap_or(0) ^ now.0.unsigned_abs().rotate_left(20));
    }

    /// Adds to the digest of what happened.
    pub fn fold(&self, what: u64) {
        let digest = self.digest.load(Ordering::Relaxed);
        self.digest.store((digest ^ what).wrapping_mul(0x0100_0000_01b3).rotate_left(7), Ordering::Relaxed);
    }

    /// The digest of what happened.
    pub fn digest(&self) -> u64 {
        self.digest.load(Ordering::Relaxed)
    }

    /// Counts something that must be seen.
    pub fn mark(&self, mark: Mark) {
        self.seen.count(mark);
    }

    /// Writes a line, where lines are wanted.
    pub fn say(&self, line: impl FnOnce() -> String) {
        if let Some(lines) = &self.lines {
            let ms = self.clock.now().0 - self.plan.start.0;
            let mut text = format!("{:>7} {:>4}.{:03} ", self.step(), ms / 1000, ms.rem_euclid(1000));
            let _never_fails = write!(text, "{}", line());
            lock(lines).push(text);
        }
    }

    /// Every line so far.
    pub fn lines(&self) -> Vec<String> {
        self.lines.as_ref().map(|lines| lock(lines).clone()).unwrap_or_default()
    }

    /// Notes something that must never be.
    pub fn violation(&self, what: impl Into<String>) {
        let what = what.into();
        self.say(|| format!("!!! {what}"));
        lock(&self.violations).push(what);
    }

    /// What must never be, and was.
    pub fn violations(&self) -> Vec<String> {
        lock(&self.violations).clone()
    }
}
