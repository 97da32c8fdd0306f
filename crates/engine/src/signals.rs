//! What an instance tells itself after a commit, so that nobody has to poll for what happened here.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::Changes;
use domain::command::OrderAnswer;
use domain::ids::{OrderId, PaymentId};
use domain::payment::{Payment, Status};
use domain::refund::Refund;
use tokio::sync::futures::Notified;
use tokio::sync::{Notify, mpsc, oneshot};

use crate::Engine;

/// What a provider is about to be asked; committed already.
#[derive(Clone, Debug)]
pub(crate) enum Intent {
    /// For money.
    Capture(Arc<Payment>),
    /// To give it back.
    Refund(Arc<Refund>),
}

/// Wakes the workers and the callers of this instance.
#[derive(Debug)]
pub(crate) struct Signals {
    intents: mpsc::UnboundedSender<Intent>,
    waiting: Mutex<BTreeMap<PaymentId, Vec<oneshot::Sender<Option<OrderAnswer>>>>>,
    /// Told whenever messages were written.
    pub(crate) outbox: Notify,
    watched: Mutex<BTreeMap<OrderId, Arc<Notify>>>,
}

/// Somebody who waits for the next fact of an order, as long as it lives.
pub struct Watched {
    order_id: OrderId,
    told: Arc<Notify>,
    engine: Engine,
}

impl Watched {
    /// Of an order, as this instance writes its facts; those of other instances are not told.
    pub fn of(engine: &Engine, order_id: OrderId) -> Self {
        let told = engine.shared().signals.watched().entry(order_id).or_default().clone();
        Self { order_id, told, engine: engine.clone() }
    }

    /// Comes true after the next fact. It must be asked for before the last look at the history.
    pub fn next(&self) -> Notified<'_> {
        self.told.notified()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let mut watched = self.engine.shared().signals.watched();
        // The map's and this one: nobody else watches.
        if Arc::strong_count(&self.told) <= 2 {
            watched.remove(&self.order_id);
        }
    }
}

impl Signals {
    /// With the end at which payment intents come out.
    pub(crate) fn new() -> (Self, mpsc::UnboundedReceiver<Intent>) {
        let (intents, taken) = mpsc::unbounded_channel();
        (Self { intents, waiting: Mutex::default(), outbox: Notify::new(), watched: Mutex::default() }, taken)
    }

    fn waiting(&self) -> MutexGuard<'_, BTreeMap<PaymentId, Vec<oneshot::Sender<Option<OrderAnswer>>>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watched(&self) -> MutexGuard<'_, BTreeMap<OrderId, Arc<Notify>>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// After a batch was saved.
    pub(crate) fn committed(&self, changes: &Changes) {
        {
            let watched = self.watched();
            if !watched.is_empty() {
                changes.orders.keys().filter_map(|order_id| watched.get(order_id)).for_each(|told| told.notify_waiters());
            }
        }
        for write in changes.payments.values() {
            if write.expected == 0 && write.row.status == Status::Initiated && write.row.next_check_at.is_some() {
                // Nobody listens where no payments worker runs; the poll of another instance finds the intent.
                let _unheard = self.intents.send(Intent::Capture(write.row.clone()));
            } else if !write.row.status.is_open() {
                for caller in self.waiting().remove(&write.row.payment_id).unwrap_or_default() {
                    let _left = caller.send(shown(changes, &write.row));
                }
            }
        }
        for write in changes.refunds.values() {
            if write.expected == 0 && write.row.next_check_at.is_some() {
                let _unheard = self.intents.send(Intent::Refund(write.row.clone()));
            }
        }
        if !changes.outbox.is_empty() {
            self.outbox.notify_one();
        }
    }

    /// Comes once this instance has seen how the payment ended, with its order as it was then, if that was all written together.
    pub(crate) fn ended(&self, payment_id: PaymentId) -> oneshot::Receiver<Option<OrderAnswer>> {
        let (tell, told) = oneshot::channel();
        let mut waiting = self.waiting();
        waiting.retain(|_, callers| {
            callers.retain(|caller| !caller.is_closed());
            !callers.is_empty()
        });
        waiting.entry(payment_id).or_default().push(tell);
        told
    }
}

/// The order of a payment that has just ended: an order without refunds whose latest payment it is, as both were saved together.
pub(crate) fn shown(changes: &Changes, payment: &Arc<Payment>) -> Option<OrderAnswer> {
    let order = &changes.orders.get(&payment.order_id)?.row;
    let is_whole = order.payment_id == Some(payment.payment_id) && order.refunds.is_empty();
    is_whole.then(|| OrderAnswer::now(order.clone(), Some(payment.clone()), Vec::new()))
}
