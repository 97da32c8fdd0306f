//! Carries intents to the provider, to take money and to give it back: the intent is committed first, the answer comes back as a
//! command.

use std::sync::Arc;
use std::time::Duration;

use domain::command::{ProviderAnswer, RecordPayment, RecordRefund, RefundWord, TakePayment, TakeRefund};
use domain::ids::{PaymentId, RefundId};
use domain::payment::Payment;
use domain::refund::Refund;
use tokio::sync::Semaphore;

use crate::engine::{Ask, Engine};
use crate::port::{PaymentProvider, ProviderCall, RefundCall};
use crate::signals::Intent;
use crate::step::Step;
use crate::{Failure, StopSignal};

/// A provider that has not answered by then is silent: the outcome is unknown, never failed.
///
/// Below the five seconds after which other instances may ask too.
const ANSWER_WITHIN: Duration = Duration::from_secs(4);
/// How often what nobody asks about is looked for.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long a payment or a refund that was taken over is left to its taker; longer than a provider may take.
const LEASE_SECONDS: i64 = 30;
/// Calls to the provider at the same time that are the first of their payment or refund.
const FIRST_CALLS_MAX: usize = 256;
/// Calls at the same time that ask again. They have places of their own: what a silent provider has left open must not stand before those who pay now.
const CALLS_AGAIN_MAX: usize = 256;
/// Payments, and refunds, that are asked about again at one look.
const PAGE: usize = 100;

/// Runs until `stop` turns true. At most one an engine.
pub async fn run_payments(engine: Engine, provider: Arc<dyn PaymentProvider>, stop: StopSignal) {
    let Some(mut intents) = engine.take_intents() else { return };
    let places = |most| Arc::new(Semaphore::new(most));
    let desk = Desk { engine, provider, first: places(FIRST_CALLS_MAX), again: places(CALLS_AGAIN_MAX) };
    let begin = async {
        let mut stop = stop.clone();
        loop {
            tokio::select! {
                () = stop.given() => break,
                Some(intent) = intents.recv() => desk.begin(intent).await,
            }
        }
    };
    let ask_again = async {
        let mut stop = stop.clone();
        let mut look = tokio::time::interval(LOOK_EVERY);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.given() => break,
                _ = look.tick() => desk.look().await,
            }
        }
    };
    tokio::join!(begin, ask_again);
    // Calls that are under way may still record their answer; the others are found again after the start.
    for (places, most) in [(&desk.first, FIRST_CALLS_MAX), (&desk.again, CALLS_AGAIN_MAX)] {
        let _all = places.acquire_many(u32::try_from(most).unwrap_or(u32::MAX)).await;
    }
}

/// Where a provider is asked and its answers are told to the engine.
#[derive(Clone)]
struct Desk {
    engine: Engine,
    provider: Arc<dyn PaymentProvider>,
    first: Arc<Semaphore>,
    again: Arc<Semaphore>,
}

impl Desk {
    async fn begin(&self, intent: Intent) {
        match intent {
            Intent::Capture(payment) => self.capture(payment, &self.first).await,
            Intent::Refund(refund) => {
                // What cannot be read now is due again soon.
                if let Ok(Some(payment)) = self.engine.queries().payment(&domain::Caller::system(), refund.payment_id).await {
                    self.refund(refund, payment, &self.first).await;
                }
            }
        }
    }

    /// Takes over what is due and nobody asks about, as much of it as there are places.
    async fn look(&self) {
        let (queries, now) = (self.engine.queries(), self.engine.now());
        let page = u32::try_from(PAGE.min(self.again.available_permits() / 2)).unwrap_or(u32::MAX);
        match queries.payments_to_ask(now, page).await {
            Ok(due) => {
                for payment_id in due {
                    self.take_payment(payment_id).await;
                }
            }
            Err(away) => tracing::debug!(%away, "cannot look for open payments"),
        }
        match queries.refunds_to_ask(now, page).await {
            Ok(due) => {
                for refund_id in due {
                    self.take_refund(refund_id).await;
                }
            }
            Err(away) => tracing::debug!(%away, "cannot look for open refunds"),
        }
    }

    async fn take_payment(&self, payment_id: PaymentId) {
        let command = TakePayment { payment_id, lease_seconds: LEASE_SECONDS };
        match self.engine.submit(command, Ask::of_worker("payments")).await {
            Ok(done) => {
                if let Some(payment) = done.answer.0 {
                    self.capture(payment, &self.again).await;
                }
            }
            Err(failure) => tracing::debug!(%failure, %payment_id, "cannot take a payment over"),
        }
    }

    async fn take_refund(&self, refund_id: RefundId) {
        let command = TakeRefund { refund_id, lease_seconds: LEASE_SECONDS };
        match self.engine.submit(command, Ask::of_worker("payments")).await {
            Ok(done) => {
                if let Some((refund, payment)) = done.answer.0 {
                    self.refund(refund, payment, &self.again).await;
                }
            }
            Err(failure) => tracing::debug!(%failure, %refund_id, "cannot take a refund over"),
        }
    }

    async fn capture(&self, payment: Arc<Payment>, places: &Arc<Semaphore>) {
        let Ok(permit) = places.clone().acquire_owned().await else { return };
        let Self { engine, provider, .. } = self.clone();
        // The permit bounds how many there are.
        tokio::spawn(async move {
            let payment_id = payment.payment_id;
            engine.at(Step::Asking);
            let said = tokio::time::timeout(ANSWER_WITHIN, provider.capture(ProviderCall { payment })).await;
            engine.at(Step::Told);
            let command = RecordPayment { payment_id, said: said.unwrap_or(ProviderAnswer::Silent) };
            told(engine.submit(command, Ask::of_worker("payments")).await.map(drop), &payment_id);
            drop(permit);
        });
    }

    async fn refund(&self, refund: Arc<Refund>, payment: Arc<Payment>, places: &Arc<Semaphore>) {
        let Ok(permit) = places.clone().acquire_owned().await else { return };
        let Self { engine, provider, .. } = self.clone();
        tokio::spawn(async move {
            let refund_id = refund.refund_id;
            engine.at(Step::Asking);
            let said = tokio::time::timeout(ANSWER_WITHIN, provider.refund(RefundCall { refund, payment })).await;
            engine.at(Step::Told);
            let command = RecordRefund { refund_id, said: said.unwrap_or(RefundWord::Silent) };
            told(engine.submit(command, Ask::of_worker("payments")).await.map(drop), &refund_id);
            drop(permit);
        });
    }
}

/// What could not be told is asked for again: the provider knows the payment or refund by its key.
fn told(outcome: Result<(), Failure>, id: &dyn std::fmt::Display) {
    match outcome {
        Ok(()) | Err(Failure::Stopping) => {}
        Err(failure) => tracing::warn!(%failure, %id, "a provider's answer could not be recorded; it is asked for again"),
    }
}
