//! A store in memory: the same two verbs, the same guards, the same queries as the databases; and faults on demand.

mod audit;
mod faults;
mod guards;
mod queries;
mod spoil;
mod tables;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use domain::ids::OrderNumber;
use domain::time::Time;
use domain::{Changes, Needs, View};
use engine::port::{Clock, Mark, SaveError, Session, Settled, Store, Unavailable};

pub use audit::{Books, INVARIANTS, Invariant};
pub use faults::{Bug, Fault, Faults, NoFaults, Point};
pub use tables::{Memory, MemoryFamily};

use crate::clock::StepClock;
use faults::Bugs;
use guards::Index;
use tables::{Ask, Expect, Find, Found, Keep, Show};

/// A store in memory. Clones are the same store.
#[derive(Clone)]
pub struct MemoryStore {
    state: Arc<Mutex<State>>,
    faults: Arc<dyn Faults>,
    clock: Arc<dyn Clock>,
    bugs: Bugs,
}

#[derive(Default)]
struct State {
    memory: Memory,
    index: Index,
    marks: BTreeMap<Mark, Noted>,
    late: Vec<(Mark, Changes)>,
}

/// A mark with what it means for ever: a save, or that its save must not happen any more.
#[derive(Clone, Copy)]
struct Noted {
    at: Time,
    means: Settled,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self { state: Arc::default(), faults: Arc::new(NoFaults), clock: Arc::new(StepClock::default()), bugs: Bugs::default() }
    }
}

impl MemoryStore {
    /// An empty store that never fails.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same store, asking `faults` at every step.
    #[must_use]
    pub fn with_faults(self, faults: Arc<dyn Faults>) -> Self {
        Self { faults, ..self }
    }

    /// The same store by `clock`: for marks and for what the audit calls overdue.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// The same store without some guards.
    #[must_use]
    pub fn with_bugs(self, bugs: &[Bug]) -> Self {
        Self { bugs: Bugs(bugs.iter().copied().collect()), ..self }
    }

    /// Everything that it keeps, for judging.
    pub fn look<R>(&self, at: impl FnOnce(&Memory) -> R) -> R {
        at(&self.state().memory)
    }

    /// Lets the saves that broke off with [`Fault::Late`] arrive now: how many of them were saved after all.
    ///
    /// One whose mark was settled meanwhile must not be.
    pub fn land(&self) -> usize {
        let mut state = self.state();
        let late = std::mem::take(&mut state.late);
        late.iter().filter(|(mark, changes)| state.save(changes, *mark, self.clock.now(), &self.bugs).is_ok()).count()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics between two changes of the state, so that a poisoned lock guards a whole state.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits at `point`, then fails if it must.
    async fn reach(&self, point: Point) -> Result<(), Unavailable> {
        self.faults.pause(point).await;
        self.faults.strike(point).map_or(Ok(()), |fault| Err(Unavailable::new(format!("{fault:?} at {point:?}, on purpose"))))
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn session(&self) -> Result<Box<dyn Session>, Unavailable> {
        self.reach(Point::Session).await?;
        Ok(Box::new(MemorySession(self.clone())))
    }
}

struct MemorySession(MemoryStore);

#[async_trait]
impl Session for MemorySession {
    async fn load(&mut self, needs: &Needs, seen: &mut View) -> Result<(), Unavailable> {
        let Self(store) = self;
        store.reach(Point::Load).await?;
        let mut found = Found::default();
        let Ok(()) = found.walk(needs, &mut Ask);
        let mut find = Find { only: store.bugs.has(Bug::TornLoad).then_some(0), tables: 0 };
        let Ok(()) = found.walk(&store.state().memory, &mut find);
        for table in 1..find.only.map_or(0, |_| find.tables) {
            store.reach(Point::Loading).await?;
            tokio::task::yield_now().await;
            let Ok(()) = found.walk(&store.state().memory, &mut Find { only: Some(table), tables: 0 });
        }
        if store.bugs.has(Bug::NoKeyCheck) {
            found.keys.clear();
        }
        let Ok(()) = seen.walk(&found, &mut Show);
        store.state().draw(needs, seen, &store.bugs);
        Ok(())
    }

    async fn save(&mut self, changes: &Changes, mark: Mark) -> Result<(), SaveError> {
        let Self(store) = self;
        store.faults.pause(Point::Save).await;
        let on_purpose = "on purpose";
        match store.faults.strike(Point::Save) {
            None => {}
            Some(Fault::Unavailable) => return Err(SaveError::Unavailable(Unavailable::new(on_purpose))),
            Some(Fault::Lost) => return Err(SaveError::Lost(on_purpose.into())),
            Some(Fault::Unknown) => return Err(SaveError::Unknown(on_purpose.into())),
            Some(Fault::Late) => {
                let mut copy = Changes::default();
                copy.absorb(changes);
                store.state().late.push((mark, copy));
                return Err(SaveError::Unknown(on_purpose.into()));
            }
        }
        store.state().save(changes, mark, store.clock.now(), &store.bugs)?;
        store.faults.pause(Point::Saved).await;
        store.faults.strike(Point::Saved).map_or(Ok(()), |_| Err(SaveError::Unknown(on_purpose.into())))
    }

    async fn durable(&mut self) -> Result<(), Unavailable> {
        self.0.reach(Point::Durable).await
    }

    async fn settle(&mut self, mark: Mark) -> Result<Settled, Unavailable> {
        let Self(store) = self;
        store.faults.pause(Point::Settle).await;
        let fault = store.faults.strike(Point::Settle);
        if fault.is_some_and(|fault| fault != Fault::Unknown) {
            return Err(Unavailable::new("on purpose, before it was settled"));
        }
        let means = store.state().settle(mark, store.clock.now(), &store.bugs);
        if fault.is_some() {
            return Err(Unavailable::new("on purpose, after it was settled"));
        }
        Ok(means)
    }
}

impl State {
    fn draw(&mut self, needs: &Needs, seen: &mut View, bugs: &Bugs) {
        for (order_id, &year) in &needs.numbers {
            let book = if bugs.has(Bug::NumbersIgnoreYear) { 0 } else { year };
            let last = self.memory.numbers.entry(book).or_insert(0);
            if !bugs.has(Bug::NumbersRepeat) || *last == 0 {
                *last += 1;
            }
            seen.numbers.insert(*order_id, OrderNumber { year, serial: *last });
        }
    }

    fn save(&mut self, changes: &Changes, mark: Mark, now: Time, bugs: &Bugs) -> Result<(), SaveError> {
        if self.marks.contains_key(&mark) {
            return Err(SaveError::Lost("the mark of the save".into()));
        }
        if let Err(error) = self.check(changes, bugs) {
            if bugs.has(Bug::TornSave) {
                let Ok(()) = self.memory.walk(changes, &mut Keep::Logs);
            }
            return Err(error);
        }
        let spoiled = spoil::spoiled(changes, &self.memory, bugs);
        let Ok(()) = self.memory.walk(spoiled.as_ref().unwrap_or(changes), &mut Keep::Everything(bugs));
        self.index.note(changes);
        if !bugs.has(Bug::NoMarks) {
            self.marks.insert(mark, Noted { at: now, means: Settled::Saved });
        }
        Ok(())
    }

    /// What `mark` means from now on.
    fn settle(&mut self, mark: Mark, at: Time, bugs: &Bugs) -> Settled {
        if bugs.has(Bug::NoMarks) {
            return Settled::NotSaved;
        }
        let noted = *self.marks.entry(mark).or_insert(Noted { at, means: Settled::NotSaved });
        if bugs.has(Bug::SettlesOnce) {
            self.marks.insert(mark, Noted { at, means: Settled::Saved });
        }
        noted.means
    }

    fn check(&mut self, changes: &Changes, bugs: &Bugs) -> Result<(), SaveError> {
        self.memory.walk(changes, &mut Expect(bugs))?;
        self.index.check(changes, bugs)?;
        guards::rows_make_sense(&self.memory, changes, bugs)?;
        guards::stock_is_covered(&self.memory, changes, bugs)
    }
}
