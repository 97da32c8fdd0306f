//! Where commands wait: bounded, first come, first served, shared by all writers.
//!
//! Waiting is the batching: while a writer saves one batch, the next one gathers here. No timer.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// A bounded queue whose takers take all that waits.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    state: Mutex<State<T>>,
    ready: Notify,
    capacity: usize,
}

#[derive(Debug)]
struct State<T> {
    waiting: VecDeque<T>,
    is_closed: bool,
}

/// Why something was not queued; it comes back.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NotQueued<T> {
    /// Too much waits already.
    Full(T),
    /// The service is stopping.
    Closed(T),
}

impl<T> Queue<T> {
    /// An empty queue of at most `capacity`.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { state: Mutex::new(State { waiting: VecDeque::new(), is_closed: false }), ready: Notify::new(), capacity }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // Nothing that holds this lock can panic half-way through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds `item` at the end.
    pub(crate) fn push(&self, item: T) -> Result<(), NotQueued<T>> {
        let mut state = self.lock();
        if state.is_closed {
            return Err(NotQueued::Closed(item));
        }
        if state.waiting.len() >= self.capacity {
            return Err(NotQueued::Full(item));
        }
        state.waiting.push_back(item);
        drop(state);
        self.ready.notify_one();
        Ok(())
    }

    /// Waits until something is there, then takes all of it up to `most`. `None`: closed and empty.
    pub(crate) async fn take(&self, most: usize) -> Option<Vec<T>> {
        loop {
            let ready = self.ready.notified();
            {
                let mut state = self.lock();
                if !state.waiting.is_empty() {
                    let count = state.waiting.len().min(most);
                    let taken = state.waiting.drain(..count).collect();
                    if !state.waiting.is_empty() {
                        self.ready.notify_one();
                    }
                    return Some(taken);
                }
                if state.is_closed {
                    // The next taker has to hear of it too.
                    self.ready.notify_one();
                    return None;
                }
            }
            ready.await;
        }
    }

    /// Takes nothing more; what waits is still given out.
    pub(crate) fn close(&self) {
        self.lock().is_closed = true;
        self.ready.notify_one();
    }

    /// Whether it takes nothing more.
    pub(crate) fn is_closed(&self) -> bool {
        self.lock().is_closed
    }

    /// How much waits.
    pub(crate) fn len(&self) -> usize {
        self.lock().waiting.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[tokio::test]
    async fn a_full_queue_gives_the_item_back() {
        let queue = Queue::new(2);
        assert_eq!((queue.push(1), queue.push(2), queue.push(3)), (Ok(()), Ok(()), Err(NotQueued::Full(3))));
        assert_eq!(queue.take(10).await, Some(vec![1, 2]));
        assert_eq!(queue.push(4), Ok(()));
    }

    #[tokio::test]
    async fn a_closed_queue_is_emptied_before_every_taker_ends() {
        let queue = Arc::new(Queue::new(10));
        let takers: Vec<_> = (0..3)
            .map(|_| {
                let queue = queue.clone();
                tokio::spawn(async move {
                    let mut taken = Vec::new();
                    while let Some(mut batch) = queue.take(2).await {
                        taken.append(&mut batch);
                    }
                    taken
                })
            })
            .collect();
        for item in 0..10 {
            while queue.push(item).is_err() {
                tokio::task::yield_now().await;
            }
        }
        queue.close();
        assert_eq!(queue.push(11), Err(NotQueued::Closed(11)));
        let mut all = Vec::new();
        for taker in takers {
            all.extend(taker.await.unwrap());
        }
        all.sort_unstable();
        assert_eq!(all, (0..10).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn no_more_than_asked_for_is_taken_and_the_rest_wakes_the_next_taker() {
        let queue = Queue::new(10);
        for item in 0..5 {
            queue.push(item).unwrap();
        }
        assert_eq!(queue.take(3).await, Some(vec![0, 1, 2]));
        assert_eq!(queue.take(3).await, Some(vec![3, 4]));
        assert_eq!(queue.len(), 0);
    }
}
