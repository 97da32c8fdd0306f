//! Waiting for something to come true, and many callers at the same moment.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Barrier;
use tokio::time::Instant;

/// Between two looks; short beside everything that is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What `look` finds, once it finds something; the test fails when it does not within `within`.
pub(crate) async fn until<T, F>(what: &str, within: Duration, mut look: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let deadline = Instant::now() + within;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < deadline, "not within {within:?}: {what}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Runs `work` for 0, 1, 2 … at the same moment and gives what came out, in that order.
pub(crate) async fn crowd<T, F>(count: usize, work: impl Fn(usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let start = Arc::new(Barrier::new(count));
    let tasks: Vec<_> = (0..count)
        .map(|index| {
            let (start, work) = (start.clone(), work(index));
            tokio::spawn(async move {
                start.wait().await;
                work.await
            })
        })
        .collect();
    let mut all = Vec::with_capacity(count);
    for task in tasks {
        all.push(task.await.expect("one of the crowd failed"));
    }
    all
}
