//! Where commands wait: bounded, first come, first served, shared by all writers.
//!
//! Waiting is the batching: while a writer saves one batch, the next one gathers here. A taker waits until as many are here as a batch under way
//! has, or until one has ended: a small batch costs nearly as much as a large one. The only timer is for a batch under way that does not end.

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
    /// Batches that were taken and have not ended, and what they hold together.
    batches: usize,
    under_way: usize,
    is_closed: bool,
}

impl<T> State<T> {
    /// Whether it is time to take: at least as many wait as a batch under way has on average.
    fn is_due(&self) -> bool {
        !self.waiting.is_empty() && (self.is_closed || self.waiting.len() * self.batches >= self.under_way)
    }
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
        Self {
            state: Mutex::new(State { waiting: VecDeque::new(), batches: 0, under_way: 0, is_closed: false }),
            ready: Notify::new(),
            capacity,
        }
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
        // The first one that waits lets a taker look at the clock.
        let wakes = state.waiting.len() == 1 || state.is_due();
        drop(state);
        if wakes {
            self.ready.notify_one();
        }
        Ok(())
    }

    /// Waits until a batch is due, though no longer than `patience` once something waits, then takes all that is there, up to `most`. Whoever took it
    /// says when it has [`ended`](Self::ended). `None`: closed and empty.
    pub(crate) async fn take<P: Future<Output = ()>>(&self, most: usize, patience: impl Fn() -> P) -> Option<Vec<T>> {
        let mut is_patient = true;
        loop {
            let ready = self.ready.notified();
            let something_waits = {
                let mut state = self.lock();
                if state.is_due() || !(is_patient || state.waiting.is_empty()) {
                    return Some(self.give_out(&mut state, most));
                }
                if state.is_closed {
                    // The next taker has to hear of it too.
                    self.ready.notify_one();
                    return None;
                }
                !state.waiting.is_empty()
            };
            if something_waits {
                tokio::select! {
                    biased;
                    () = ready => {}
                    () = patience() => is_patient = false,
                }
            } else {
                is_patient = true;
                ready.await;
            }
        }
    }

    fn give_out(&self, state: &mut State<T>, most: usize) -> Vec<T> {
        let count = state.waiting.len().min(most);
        let taken = state.waiting.drain(..count).collect();
        state.batches += 1;
        state.under_way += count;
        if !state.waiting.is_empty() {
            self.ready.notify_one();
        }
        taken
    }

    /// A batch of `count` has ended.
    pub(crate) fn ended(&self, count: usize) {
        let mut state = self.lock();
        state.batches -= 1;
        state.under_way -= count;
        let is_due = state.is_due();
        drop(state);
        if is_due {
            self.ready.notify_one();
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
    use std::future::{pending, ready};
    use std::pin::pin;
    use std::sync::Arc;

    use futures_util::poll;

    /// With all the patience there is.
    async fn take<T>(queue: &Queue<T>, most: usize) -> Option<Vec<T>> {
        queue.take(most, pending).await
    }

    #[tokio::test]
    async fn a_full_queue_gives_the_item_back() {
        let queue = Queue::new(2);
        assert_eq!((queue.push(1), queue.push(2), queue.push(3)), (Ok(()), Ok(()), Err(NotQueued::Full(3))));
        assert_eq!(take(&queue, 10).await, Some(vec![1, 2]));
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
                    while let Some(mut batch) = take(&queue, 2).await {
                        queue.ended(batch.len());
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
        assert_eq!(take(&queue, 3).await, Some(vec![0, 1, 2]));
        queue.ended(3);
        assert_eq!(take(&queue, 3).await, Some(vec![3, 4]));
        assert_eq!(queue.len(), 0);
    }

    /// A queue of which the first taker has taken so many.
    async fn with_batch_under_way(count: usize) -> Queue<usize> {
        let queue = Queue::new(100);
        (0..count).for_each(|item| queue.push(item).unwrap());
        assert_eq!(take(&queue, 100).await.unwrap().len(), count);
        queue
    }

    #[tokio::test]
    async fn a_batch_gathers_until_it_is_as_large_as_the_one_under_way() {
        let queue = with_batch_under_way(3).await;
        let mut next = pin!(take(&queue, 100));
        for item in 0..2 {
            queue.push(item).unwrap();
            assert!(poll!(&mut next).is_pending());
        }
        queue.push(2).unwrap();
        assert_eq!(next.await, Some(vec![0, 1, 2]));
    }

    #[tokio::test]
    async fn a_batch_gathers_no_longer_when_the_one_under_way_has_ended() {
        let queue = with_batch_under_way(3).await;
        let mut next = pin!(take(&queue, 100));
        queue.push(7).unwrap();
        assert!(poll!(&mut next).is_pending());
        queue.ended(3);
        assert_eq!(next.await, Some(vec![7]));
    }

    #[tokio::test]
    async fn a_third_batch_is_as_large_as_the_two_under_way_are_on_average() {
        let queue = with_batch_under_way(2).await;
        (0..4).for_each(|item| queue.push(item).unwrap());
        assert_eq!(take(&queue, 100).await.unwrap().len(), 4);
        let mut next = pin!(take(&queue, 100));
        (0..2).for_each(|item| queue.push(item).unwrap());
        assert!(poll!(&mut next).is_pending());
        queue.push(2).unwrap();
        assert_eq!(next.await, Some(vec![0, 1, 2]));
    }

    #[tokio::test]
    async fn a_batch_that_does_not_end_holds_nobody_for_long() {
        let queue = with_batch_under_way(3).await;
        let mut next = pin!(queue.take(100, || ready(())));
        assert!(poll!(&mut next).is_pending(), "nothing waits yet");
        queue.push(7).unwrap();
        assert_eq!(next.await, Some(vec![7]));
    }

    #[tokio::test]
    async fn a_closed_queue_does_not_gather() {
        let queue = with_batch_under_way(3).await;
        let mut next = pin!(take(&queue, 100));
        queue.push(7).unwrap();
        assert!(poll!(&mut next).is_pending());
        queue.close();
        assert_eq!(next.await, Some(vec![7]));
        assert_eq!(take(&queue, 100).await, None);
    }
}
