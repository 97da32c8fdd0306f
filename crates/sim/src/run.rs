//! One seed from the opening of the shop to the verdict.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use domain::hold::Status as HoldStatus;
use domain::order::PaymentMethod;
use domain::payment::Payment;
use domain::refund::{Refund, Status as RefundStatus};
use testkit::memory::NoFaults;
use testkit::{Bug, MemoryStore};

use crate::bank::Bank;
use crate::clerk::Clerk;
use crate::dice::Dice;
use crate::house::{is_by_hand, pay_back};
use crate::instance::Instance;
use crate::judge::judge;
use crate::marks::{Faulted, Injected, Mark, Seen};
use crate::nemesis::break_things;
use crate::plan::Plan;
use crate::probe::buy_what_is_left;
use crate::scheduler::{Owner, Scheduler, Step};
use crate::shopper::Shopper;
use crate::watched::Watched;
use crate::world::{Act, Detail, World};

/// No run needs so many steps; one that does is stuck.
const STEPS_MAX: u64 = 300_000;
/// How long after everything healed nothing is on its way any more.
const QUIET_MS: i64 = 120_000;

/// How a seed ended.
#[derive(Debug)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// What must never be, and was. Empty: it passed.
    pub violations: Vec<String>,
    /// Commands that were submitted.
    pub commands: u64,
    /// Steps that were taken.
    pub steps: u64,
    /// A digest of everything that happened, in its order.
    pub digest: u64,
    /// What went wrong on purpose.
    pub faulted: Faulted,
    /// What was seen.
    pub seen: Seen,
    /// What happened, where lines were wanted.
    pub lines: Vec<String>,
}

/// Runs what `plan` turns on, over a store with `bugs`.
pub fn run(plan: Plan, bugs: &[Bug], detail: Detail) -> Outcome {
    let world = Arc::new(World::new(plan, detail));
    world.say(|| format!("{:?}", world.plan));
    let ran = catch_unwind(AssertUnwindSafe(|| Run::new(&world, bugs).finish()));
    if let Err(panic) = ran {
        let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
        world.violation(format!("panicked: {}", text.unwrap_or("without a word")));
    }
    // The instances hold the world and the world holds them.
    for number in 0..world.plan.instances {
        world.place(number, None);
    }
    drop(world.newborn());
    let outcome = Outcome {
        seed: world.plan.seed,
        violations: world.violations(),
        commands: world.commands.load(Ordering::Relaxed),
        steps: world.step(),
        digest: world.digest(),
        faulted: Faulted::default(),
        seen: Seen::default(),
        lines: world.lines(),
    };
    outcome.faulted.add(&world.faulted);
    outcome.seen.add(&world.seen);
    outcome
}

struct Run {
    world: Arc<World>,
    scheduler: Scheduler,
    store: MemoryStore,
    bank: Arc<Bank>,
    /// Broken-off saves that were let land, or kept out.
    landed: u64,
}

impl Run {
    fn new(world: &Arc<World>, bugs: &[Bug]) -> Self {
        let store = MemoryStore::new().with_faults(world.clone()).with_clock(world.clock.clone()).with_bugs(bugs);
        let scheduler = Scheduler::new(world.clone(), Dice::new(world.plan.seed, 5));
        Self { world: world.clone(), scheduler, store, bank: Arc::new(Bank::new(world.clone())), landed: 0 }
    }

    /// The same store without faults, for looking.
    fn quiet(&self) -> MemoryStore {
        self.store.clone().with_faults(Arc::new(NoFaults))
    }

    fn finish(mut self) {
        for number in 0..self.world.plan.instances {
            self.start(number);
        }
        self.open();
        let mut storm = Dice::new(self.world.plan.seed, 6);
        // Some storms end in the middle of everything.
        let storm_steps = if storm.below(2) == 0 { u64::MAX } else { 200 + storm.below(4000) };
        if !self.until(|run| run.scheduler.clients() == 0 || run.world.step() > storm_steps) {
            return;
        }
        self.heal();
        if !self.until(|run| run.scheduler.clients() == 0) {
            return;
        }
        let world = self.world.clone();
        self.world.spawn(Owner::Client, "quiet", async move { world.timers.sleep(QUIET_MS).await });
        if !self.until(|run| run.scheduler.clients() == 0) {
            return;
        }
        self.world.let_them_speak();
        if !self.until(|run| run.scheduler.clients() == 0) {
            return;
        }
        self.empty_the_till();
        if !self.until(|run| run.scheduler.clients() == 0) || !self.until(|run| !run.is_open()) {
            return;
        }
        self.world.spawn(Owner::Client, "probe", buy_what_is_left(self.world.clone(), self.quiet()));
        if self.until(|run| run.scheduler.clients() == 0) {
            judge(&self.world, &self.quiet(), &self.bank.books());
        }
    }

    /// The shop opens, then the storm begins.
    fn open(&self) {
        let world = self.world.clone();
        let seed = world.plan.seed;
        self.world.spawn(Owner::Client, "clerk", async move {
            let mut clerk = Clerk::new(world.clone(), Dice::new(seed, 7));
            clerk.open().await;
            world.storm();
            for number in 0..world.plan.shoppers {
                let dice = Dice::new(seed, 100 + u64::try_from(number).unwrap_or(0));
                let shopper = Shopper::new(world.clone(), number, dice);
                world.spawn(Owner::Client, format!("shopper {number}"), shopper.run());
            }
            world.spawn(Owner::Nemesis, "nemesis", break_things(world.clone(), Dice::new(seed, 8)));
            if !world.plan.rush {
                clerk.run().await;
            }
        });
    }

    /// The cashier gives back by hand what nobody has given back yet, and tells of what was given back while nobody could hear of it.
    fn empty_the_till(&self) {
        let given = self.world.history().by_hand.clone();
        let is_left =
            |refund: &Refund| is_by_hand(refund) || (given.contains_key(&refund.refund_id) && refund.status == RefundStatus::Failed);
        let left: Vec<_> = self.store.look(|memory| memory.refunds.values().filter(|refund| is_left(refund)).cloned().collect());
        for (number, refund) in (0..).zip(left) {
            let (world, mut dice) = (self.world.clone(), Dice::new(self.world.plan.seed, 1000 + number));
            self.world.spawn(Owner::Client, "cashier", async move { pay_back(&world, &refund, &mut dice).await });
        }
    }

    fn heal(&mut self) {
        self.world.heal();
        self.land();
        for number in 0..self.world.plan.instances {
            self.start(number);
        }
    }

    /// Goes on until `done`; false: something is wrong, or it never comes.
    fn until(&mut self, done: impl Fn(&Self) -> bool) -> bool {
        loop {
            self.scheduler.adopt();
            if !self.world.violations().is_empty() {
                return false;
            }
            if done(self) {
                return true;
            }
            let step = self.scheduler.step();
            for act in self.world.acts() {
                self.act(act);
            }
            if step == Step::Dead || self.world.step() > STEPS_MAX {
                self.stuck(step);
                return false;
            }
        }
    }

    fn stuck(&self, step: Step) {
        let how = if step == Step::Dead { "nobody can go on" } else { "no end in sight" };
        let open = self.store.look(|memory| {
            let orders = memory.orders.values().filter(|order| waits(order)).map(|order| format!("{order:?}"));
            let payments = memory.payments.values().filter(|payment| payment.awaits_provider()).map(|payment| format!("{payment:?}"));
            orders.chain(payments).take(3).collect::<Vec<_>>()
        });
        self.world.violation(format!("stuck: {how}; clients: {:?}; open: {open:?}", self.scheduler.names()));
    }

    fn is_open(&self) -> bool {
        self.store.look(|memory| {
            memory.orders.values().any(|order| waits(order))
                || memory.payments.values().any(|payment| Payment::awaits_provider(payment))
                || memory.refunds.values().any(|refund| refund.next_check_at.is_some())
                || memory.holds.values().any(|hold| hold.status == HoldStatus::Active && hold.order_id.is_none())
        })
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Crash(number) => self.crash(number),
            Act::Start(number) => self.start(number),
            Act::Land => self.land(),
        }
    }

    fn start(&self, number: usize) {
        let Some(place) = self.world.place(number, None) else {
            let store = Watched { store: self.store.clone(), world: self.world.clone(), instance: number };
            let instance = Instance::start(&self.world, number, Arc::new(store), self.bank.clone());
            self.world.place(number, Some(instance));
            self.world.say(|| format!("instance {number} starts"));
            return;
        };
        self.world.place(number, Some(place));
    }

    fn crash(&mut self, number: usize) {
        let Some(instance) = self.world.place(number, None) else { return };
        let waiting = instance.engine.waiting();
        self.world.say(|| format!("instance {number} crashes with {waiting} commands waiting"));
        self.world.faulted.count(Injected::Crash);
        if waiting > 0 {
            self.world.mark(Mark::CrashWithQueue);
        }
        instance.die();
        self.scheduler.kill(Owner::Instance(number));
    }

    fn land(&mut self) {
        let late = self.world.faulted.of(Injected::Late) - self.landed;
        if late == 0 {
            return;
        }
        self.landed += late;
        let landed = u64::try_from(self.store.land()).unwrap_or(0);
        self.world.say(|| format!("{landed} of {late} broken-off saves land"));
        for number in 0..late {
            self.world.mark(if number < landed { Mark::LateLanded } else { Mark::LateKeptOut });
        }
    }
}

/// Whether an order waits for something that must come.
fn waits(order: &domain::order::Order) -> bool {
    order.status.awaits_payment() && !order.payment_method.as_ref().is_some_and(PaymentMethod::is_cod)
}
