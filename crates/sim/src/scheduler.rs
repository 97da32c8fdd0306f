//! Which of all tasks goes on next: one thread, seeded dice, no surprise from outside.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use engine::port::Clock as _;

use crate::dice::Dice;
use crate::world::World;

/// Whose task it is: it ends with its owner.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Owner {
    /// An instance of the service, by its number.
    Instance(usize),
    /// A client: the run lasts until it is done.
    Client,
    /// The one who breaks things.
    Nemesis,
}

/// A task that is not started yet.
pub struct Newborn {
    /// Whose.
    pub owner: Owner,
    /// For the trace.
    pub name: String,
    /// What it does.
    pub future: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl std::fmt::Debug for Newborn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {:?}", self.name, self.owner)
    }
}

struct Task {
    newborn: Newborn,
    flag: Arc<Flag>,
    waker: Waker,
}

struct Flag {
    task: usize,
    is_ready: AtomicBool,
    ready: Arc<Mutex<Vec<usize>>>,
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.is_ready.swap(true, Ordering::Relaxed) {
            self.ready.lock().unwrap_or_else(PoisonError::into_inner).push(self.task);
        }
    }
}

/// What a step came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// A task went on.
    Ran,
    /// Nobody was ready: time went on.
    Waited,
    /// Nobody is ready and nobody sleeps.
    Dead,
}

/// Runs tasks.
pub struct Scheduler {
    world: Arc<World>,
    tasks: Vec<Option<Task>>,
    ready: Arc<Mutex<Vec<usize>>>,
    dice: Dice,
    clients: usize,
}

impl Scheduler {
    /// Without tasks.
    pub fn new(world: Arc<World>, dice: Dice) -> Self {
        Self { world, tasks: Vec::new(), ready: Arc::default(), dice, clients: 0 }
    }

    /// How many clients are not done.
    pub fn clients(&self) -> usize {
        self.clients
    }

    /// Adopts what was spawned since.
    pub fn adopt(&mut self) {
        for newborn in self.world.newborn() {
            let task = self.tasks.len();
            self.clients += usize::from(newborn.owner == Owner::Client);
            let flag = Arc::new(Flag { task, is_ready: AtomicBool::new(false), ready: self.ready.clone() });
            let waker = Waker::from(flag.clone());
            waker.wake_by_ref();
            self.tasks.push(Some(Task { newborn, flag, waker }));
        }
    }

    /// Lets one task go on, or time.
    pub fn step(&mut self) -> Step {
        self.adopt();
        let chosen = {
            let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
            if ready.is_empty() {
                None
            } else {
                let index = self.dice.index(ready.len());
                Some(ready.swap_remove(index))
            }
        };
        let Some(chosen) = chosen else {
            return if self.world.timers.advance() { Step::Waited } else { Step::Dead };
        };
        // Now and then work takes time of itself.
        if self.dice.below(8) == 0 {
            self.world.clock.advance_ms(1);
        }
        self.world.stepped(chosen, self.world.clock.now());
        if let Some(task) = self.tasks[chosen].as_mut() {
            task.flag.is_ready.store(false, Ordering::Relaxed);
            let polled = task.newborn.future.as_mut().poll(&mut Context::from_waker(&task.waker));
            if polled == Poll::Ready(()) {
                self.clients -= usize::from(task.newborn.owner == Owner::Client);
                self.tasks[chosen] = None;
            }
        }
        Step::Ran
    }

    /// Ends all tasks of `owner` where they stand, and lets everybody else notice.
    pub fn kill(&mut self, owner: Owner) {
        self.adopt();
        for place in &mut self.tasks {
            if place.as_ref().is_some_and(|task| task.newborn.owner == owner) {
                *place = None;
            }
        }
        for task in self.tasks.iter().flatten() {
            task.waker.wake_by_ref();
        }
    }

    /// The names of those who are not done.
    pub fn names(&self) -> Vec<&str> {
        self.tasks.iter().flatten().filter(|task| task.newborn.owner == Owner::Client).map(|task| task.newborn.name.as_str()).collect()
    }
}
