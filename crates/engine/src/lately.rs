//! Rows that were written here lately, and what they are good for: the needs of the next command about the same cart, session or order are
//! known at once, so that it is loaded for in one flight and not in three.
//!
//! For that they are hints and nothing else. No decision sees them: what is needed is loaded afresh, and needs that have changed meanwhile are asked for
//! as ever. What others have written, or what was written before a start, costs another flight.

use std::sync::{Mutex, PoisonError};

use domain::command::OrderAnswer;
use domain::ids::PaymentId;
use domain::{Changes, Needs, View};

use crate::ticket::Job;

/// Rows of one generation. Two of them are a few megabytes, and longer than most shoppers take from one click to the next.
const ROWS_MAX: usize = 4096;

/// The latest rows, in two generations: when the young one is full it becomes the old one, which is forgotten.
#[derive(Debug, Default)]
pub(crate) struct Lately(Mutex<Generations>);

#[derive(Debug, Default)]
struct Generations {
    young: View,
    old: View,
    rows: usize,
}

impl Lately {
    /// After a batch was saved.
    pub(crate) fn note(&self, changes: &Changes) {
        let Changes { carts, checkouts, orders, payments, holds, .. } = changes;
        let rows = carts.len() + checkouts.len() + orders.len() + payments.len() + holds.len();
        if rows == 0 {
            return;
        }
        let rows_only = Changes {
            carts: carts.clone(),
            checkouts: checkouts.clone(),
            orders: orders.clone(),
            payments: payments.clone(),
            holds: holds.clone(),
            ..Changes::default()
        };
        let mut generations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if generations.rows >= ROWS_MAX {
            generations.old = std::mem::take(&mut generations.young);
            generations.rows = 0;
        }
        generations.rows += rows;
        generations.young.apply(&rows_only);
    }

    /// The order of a payment that has ended here just now: whoever begins to wait for it may come too late for the signal.
    pub(crate) fn ended(&self, payment_id: PaymentId) -> Option<OrderAnswer> {
        let generations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let payment = generations.young.payments.peek(&payment_id).filter(|payment| !payment.status.is_open())?;
        let order = generations.young.orders.peek(&payment.order_id)?;
        let is_whole = order.payment_id == Some(payment_id) && order.refunds.is_empty() && order.payment_standing == payment.standing();
        is_whole.then(|| OrderAnswer::now(order.clone(), Some(payment.clone()), Vec::new()))
    }

    /// What the commands would need if the rows were still as they were written.
    pub(crate) fn needs(&self, jobs: &[Box<dyn Job>], needs: &mut Needs) {
        let generations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for job in jobs {
            job.needs(&generations.young, needs);
            job.needs(&generations.old, needs);
        }
    }
}
