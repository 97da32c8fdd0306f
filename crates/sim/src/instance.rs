//! One instance of the service: an engine, its writers and its workers, over the store that all instances share.
//!
//! The workers are the engine's own loops written on its public interface: tokio's timers need a runtime.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use async_trait::async_trait;
use domain::command::{
    EndCheckout, ExpireHold, ExpireOrder, ProviderAnswer, RecordPayment, RecordRefund, RefundWord, TakePayment, TakeRefund,
};
use domain::ids::{PaymentId, RefundId};
use domain::order::Status;
use domain::payment::Payment;
use domain::time::Time;
use engine::port::{PaymentProvider as _, ProviderCall, RefundCall, Store};
use engine::{Ask, Engine, Failure, Pause};
use futures_util::future::{Either, join_all, select};
use tokio::sync::mpsc;

use crate::bank::Bank;
use crate::marks::Mark;
use crate::scheduler::Owner;
use crate::time::SkewedClock;
use crate::world::World;

/// As the engine's payments worker.
const ANSWER_WITHIN_MS: i64 = 4000;
const LEASE_SECONDS: i64 = 30;
/// As the engine's sweeper.
const PAGE: u32 = 200;
/// When nothing goes wrong any more, there is no hurry.
const LOOK_HEALED_MS: i64 = 30_000;

/// One instance of the service.
pub struct Instance {
    /// Its number; the one that starts after a crash has the same.
    pub number: usize,
    /// Its engine.
    pub engine: Engine,
    intents: mpsc::UnboundedSender<Arc<Payment>>,
    is_alive: AtomicBool,
}

struct SimPause(Arc<World>);

#[async_trait]
impl Pause for SimPause {
    async fn pause(&self, ms: u64) {
        self.0.timers.sleep(i64::try_from(ms).unwrap_or(i64::MAX)).await;
    }
}

impl Instance {
    /// Starts an instance over `store`.
    pub fn start(world: &Arc<World>, number: usize, store: Arc<dyn Store>, bank: Arc<Bank>) -> Arc<Self> {
        let plan = &world.plan;
        let clock = SkewedClock { truth: world.clock.clone(), ahead_ms: plan.ahead_ms[number] };
        let pause = Arc::new(SimPause(world.clone()));
        let (engine, writers) = Engine::new(store, Arc::new(clock), pause, plan.settings.clone(), plan.options);
        let (intents, taken) = mpsc::unbounded_channel();
        let owner = Owner::Instance(number);
        for (index, writer) in writers.into_iter().enumerate() {
            world.spawn(owner, format!("writer {number}.{index}"), writer.run());
        }
        world.spawn(owner, format!("sweeper {number}"), sweep(world.clone(), engine.clone()));
        world.spawn(owner, format!("payments {number}"), carry(world.clone(), number, engine.clone(), bank, taken));
        Arc::new(Self { number, engine, intents, is_alive: AtomicBool::new(true) })
    }

    /// It is dead from here on; its tasks are the scheduler's to end.
    pub fn die(&self) {
        self.is_alive.store(false, Ordering::Relaxed);
    }

    /// Tells its payments worker of an intent.
    pub fn intend(&self, payment: Arc<Payment>) {
        let _dead = self.intents.send(payment);
    }

    /// `call`, or `None` once the instance is dead: then the connection is cut.
    pub fn unless_dead<F: Future>(&self, call: F) -> UnlessDead<'_, F> {
        UnlessDead { instance: self, call: Box::pin(call) }
    }
}

/// A call that ends with its instance.
pub struct UnlessDead<'a, F> {
    instance: &'a Instance,
    call: Pin<Box<F>>,
}

impl<F: Future> Future for UnlessDead<'_, F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if !self.instance.is_alive.load(Ordering::Relaxed) {
            return Poll::Ready(None);
        }
        self.call.as_mut().poll(cx).map(Some)
    }
}

fn look_ms(world: &World) -> i64 {
    if world.is_healed() { LOOK_HEALED_MS } else { world.plan.look_ms }
}

fn counted(world: &World) {
    world.commands.fetch_add(1, Ordering::Relaxed);
}

async fn sweep(world: Arc<World>, engine: Engine) {
    loop {
        world.timers.sleep(look_ms(&world)).await;
        // Nothing was due before the beginning of time.
        if engine.queries().orders_to_expire(Time(0), PAGE).await.is_ok_and(|due| !due.is_empty()) {
            world.violation("an order is said to be overdue long before it was placed");
        }
        give_back(&world, &engine).await;
        let Ok(due) = engine.queries().orders_to_expire(engine.now(), world.plan.page).await else { continue };
        let expire = |order_id| {
            counted(&world);
            engine.submit(ExpireOrder { order_id }, Ask::of_worker("sweeper"))
        };
        for (order_id, end) in due.iter().zip(join_all(due.iter().copied().map(expire)).await) {
            match end {
                Ok(done) if done.answer.0 => {
                    world.mark(Mark::Expired);
                    world.say(|| format!("sweeper: {order_id} expired"));
                }
                Err(Failure::Bug(reason)) => world.violation(format!("expiring {order_id}: internal error: {reason}")),
                Ok(_) | Err(_) => {}
            }
        }
    }
}

/// What sessions and holds whose time has passed still hold.
async fn give_back(world: &World, engine: &Engine) {
    let (queries, page) = (engine.queries(), world.plan.page);
    for hold_id in queries.holds_to_expire(engine.now(), page).await.unwrap_or_default() {
        counted(world);
        if engine.submit(ExpireHold { hold_id }, Ask::of_worker("sweeper")).await.is_ok_and(|done| done.answer.0) {
            world.mark(Mark::HoldExpired);
            world.say(|| format!("sweeper: hold {hold_id} ran out"));
        }
    }
    for session_id in queries.checkouts_to_end(engine.now(), page).await.unwrap_or_default() {
        counted(world);
        if let Err(Failure::Bug(reason)) = engine.submit(EndCheckout { session_id: session_id.clone() }, Ask::of_worker("sweeper")).await {
            world.violation(format!("ending {session_id}: internal error: {reason}"));
        }
    }
}

async fn carry(world: Arc<World>, number: usize, engine: Engine, bank: Arc<Bank>, mut intents: mpsc::UnboundedReceiver<Arc<Payment>>) {
    loop {
        let look = world.timers.sleep(look_ms(&world));
        match select(Box::pin(intents.recv()), look).await {
            Either::Left((Some(payment), _)) => call(&world, number, &engine, &bank, payment),
            Either::Left((None, _)) => return,
            Either::Right(_) => {
                look_for_open(&world, number, &engine, &bank).await;
                look_for_refunds(&world, number, &engine, &bank).await;
            }
        }
    }
}

async fn look_for_open(world: &Arc<World>, number: usize, engine: &Engine, bank: &Arc<Bank>) {
    if engine.queries().payments_to_ask(Time(0), PAGE).await.is_ok_and(|due| !due.is_empty()) {
        world.violation("a payment is said to be due long before it was asked for");
    }
    let Ok(due) = engine.queries().payments_to_ask(engine.now(), PAGE).await else { return };
    for payment_id in due {
        let command = TakePayment { payment_id, lease_seconds: LEASE_SECONDS };
        counted(world);
        match engine.submit(command, Ask::of_worker("payments")).await {
            Ok(done) => {
                if let Some(payment) = done.answer.0 {
                    world.mark(Mark::TakenOver);
                    world.say(|| format!("payments {number}: takes {payment_id} over"));
                    call(world, number, engine, bank, payment);
                }
            }
            Err(Failure::Bug(reason)) => world.violation(format!("taking {payment_id} over: internal error: {reason}")),
            Err(_) => {}
        }
    }
}

async fn look_for_refunds(world: &Arc<World>, number: usize, engine: &Engine, bank: &Arc<Bank>) {
    let Ok(due) = engine.queries().refunds_to_ask(engine.now(), PAGE).await else { return };
    for refund_id in due {
        counted(world);
        let taken = match engine.submit(TakeRefund { refund_id, lease_seconds: LEASE_SECONDS }, Ask::of_worker("payments")).await {
            Ok(done) => done.answer.0,
            Err(Failure::Bug(reason)) => {
                world.violation(format!("taking {refund_id} over: internal error: {reason}"));
                None
            }
            Err(_) => None,
        };
        let Some((refund, payment)) = taken else { continue };
        if refund.silences > 0 || refund.version > 2 {
            world.mark(Mark::RefundTakenOver);
        }
        let (world, engine, bank) = (world.clone(), engine.clone(), bank.clone());
        let here = world.clone();
        here.spawn(Owner::Instance(number), "refund call", async move {
            let said = match select(bank.refund(RefundCall { refund, payment }), world.timers.sleep(ANSWER_WITHIN_MS)).await {
                Either::Left((said, _)) => said,
                Either::Right(_) => RefundWord::Silent,
            };
            world.say(|| format!("provider on {refund_id}: {said:?}"));
            record_refund(&world, &engine, refund_id, said).await;
        });
    }
}

/// Records what was said of a refund.
pub async fn record_refund(world: &World, engine: &Engine, refund_id: RefundId, said: RefundWord) {
    counted(world);
    if let Err(Failure::Bug(reason)) = engine.submit(RecordRefund { refund_id, said }, Ask::of_worker("payments")).await {
        world.violation(format!("recording {refund_id}: internal error: {reason}"));
    }
}

fn call(world: &Arc<World>, number: usize, engine: &Engine, bank: &Arc<Bank>, payment: Arc<Payment>) {
    let (world, engine, bank) = (world.clone(), engine.clone(), bank.clone());
    let here = world.clone();
    here.spawn(Owner::Instance(number), "provider call", async move {
        let payment_id = payment.payment_id;
        let capture = bank.capture(ProviderCall { payment });
        let said = match select(capture, world.timers.sleep(ANSWER_WITHIN_MS)).await {
            Either::Left((said, _)) => said,
            Either::Right(_) => ProviderAnswer::Silent,
        };
        record(&world, &engine, payment_id, said).await;
    });
}

/// Records what the provider said; whether it is recorded.
pub async fn record(world: &World, engine: &Engine, payment_id: PaymentId, said: ProviderAnswer) -> bool {
    world.say(|| format!("provider on {payment_id}: {said:?}"));
    let (declined, captured) = (matches!(said, ProviderAnswer::Declined { .. }), matches!(said, ProviderAnswer::Captured { .. }));
    counted(world);
    match engine.submit(RecordPayment { payment_id, said }, Ask::of_worker("payments")).await {
        Ok(done) => {
            let order = &done.answer.order;
            if captured && order.status == Status::Paid {
                world.mark(Mark::Paid);
            }
            if declined && order.status == Status::Canceled {
                world.mark(Mark::CanceledByFailure);
            }
            if let Some(contradiction) = world.history().saw(&done.answer) {
                world.violation(contradiction);
            }
            true
        }
        Err(Failure::Bug(reason)) => {
            world.violation(format!("recording {payment_id}: internal error: {reason}"));
            false
        }
        Err(failure) => matches!(failure, Failure::Refused(_)),
    }
}
