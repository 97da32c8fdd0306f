//! Carries payment intents to the provider: the intent is committed first, the answer comes back as a command.

use std::sync::Arc;
use std::time::Duration;

use domain::command::{ProviderAnswer, RecordPayment, TakePayment};
use domain::ids::PaymentId;
use domain::payment::Payment;
use tokio::sync::Semaphore;

use crate::engine::{Ask, Engine};
use crate::port::{PaymentProvider, ProviderCall};
use crate::{Failure, StopSignal};

/// A provider that has not answered by then is silent: the payment is unknown, never failed.
///
/// Below the five seconds after which other instances may ask too.
const ANSWER_WITHIN: Duration = Duration::from_secs(4);
/// How often payments that nobody asks about are looked for.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long a payment that was taken over is left to its taker; longer than a provider may take.
const LEASE_SECONDS: i64 = 30;
/// Calls to the provider at the same time.
const CALLS_MAX: usize = 64;
const PAGE: u32 = 100;

/// Runs until `stop` turns true. At most one an engine.
pub async fn run_payments(engine: Engine, provider: Arc<dyn PaymentProvider>, mut stop: StopSignal) {
    let Some(mut intents) = engine.take_intents() else { return };
    let calls = Arc::new(Semaphore::new(CALLS_MAX));
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.given() => break,
            Some(payment) = intents.recv() => call(&engine, &provider, &calls, payment).await,
            _ = look.tick() => match engine.queries().payments_to_ask(engine.now(), PAGE).await {
                Ok(due) => for payment_id in due {
                    take_over(&engine, &provider, &calls, payment_id).await;
                },
                Err(away) => tracing::debug!(%away, "cannot look for open payments"),
            },
        }
    }
    // Calls that are under way may still record their answer; the others are found again after the start.
    let _all = calls.acquire_many(u32::try_from(CALLS_MAX).unwrap_or(u32::MAX)).await;
}

async fn take_over(engine: &Engine, provider: &Arc<dyn PaymentProvider>, calls: &Arc<Semaphore>, payment_id: PaymentId) {
    let command = TakePayment { payment_id, lease_seconds: LEASE_SECONDS };
    match engine.submit(command, Ask::of_worker("payments")).await {
        Ok(done) => {
            if let Some(payment) = done.answer.0 {
                call(engine, provider, calls, payment).await;
            }
        }
        Err(failure) => tracing::debug!(%failure, %payment_id, "cannot take a payment over"),
    }
}

async fn call(engine: &Engine, provider: &Arc<dyn PaymentProvider>, calls: &Arc<Semaphore>, payment: Arc<Payment>) {
    let Ok(permit) = calls.clone().acquire_owned().await else { return };
    let (engine, provider) = (engine.clone(), provider.clone());
    // The permit bounds how many there are.
    tokio::spawn(async move {
        let payment_id = payment.payment_id;
        let said = tokio::time::timeout(ANSWER_WITHIN, provider.capture(ProviderCall { payment })).await;
        record(&engine, payment_id, said.unwrap_or(ProviderAnswer::Silent)).await;
        drop(permit);
    });
}

/// Tells the engine what the provider said. What is not told is asked for again: the provider knows the payment by its key.
async fn record(engine: &Engine, payment_id: PaymentId, said: ProviderAnswer) {
    let command = RecordPayment { payment_id, said };
    match engine.submit(command, Ask::of_worker("payments")).await {
        Ok(_) | Err(Failure::Stopping) => {}
        Err(failure) => tracing::warn!(%failure, %payment_id, "a provider's answer could not be recorded; it is asked for again"),
    }
}
