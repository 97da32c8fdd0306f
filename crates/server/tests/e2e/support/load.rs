//! Shoppers who go on placing orders, each under a key of its own, and remember what they were told.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{Http, Reply, all_orders, place};

/// What a client does that was told to try again later.
const TRY_AGAIN: Duration = Duration::from_millis(50);

/// Orders that are being placed.
#[derive(Debug)]
pub(crate) struct Load {
    shoppers: JoinSet<()>,
    shared: Arc<Shared>,
    placed: watch::Receiver<usize>,
    told_away: watch::Receiver<usize>,
}

#[derive(Debug)]
struct Shared {
    body: Value,
    stop: AtomicBool,
    /// Each key that was used, with the order that it was answered with.
    keys: Mutex<BTreeMap<String, Option<Reply>>>,
    tell_placed: watch::Sender<usize>,
    tell_away: watch::Sender<usize>,
}

impl Load {
    /// `shoppers` at once, who all order `body`. One who is told 503 tries again with the same key.
    pub(crate) fn start(http: &Http, name: &str, shoppers: usize, body: &Value) -> Self {
        let (tell_placed, placed) = watch::channel(0);
        let (tell_away, told_away) = watch::channel(0);
        let keys = Mutex::default();
        let shared = Arc::new(Shared { body: body.clone(), stop: AtomicBool::new(false), keys, tell_placed, tell_away });
        let mut tasks = JoinSet::new();
        for shopper in 0..shoppers {
            tasks.spawn(shop(http.clone(), format!("{name}-{shopper}"), shared.clone()));
        }
        Self { shoppers: tasks, shared, placed, told_away }
    }

    /// Waits until so many orders were answered 201 in all.
    pub(crate) async fn has_placed(&mut self, count: usize) {
        let within = tokio::time::timeout(Duration::from_secs(30), self.placed.wait_for(|placed| *placed >= count)).await;
        assert!(within.is_ok_and(|placed| placed.is_ok()), "{count} orders were not placed in 30 s");
    }

    /// How many were answered 201 so far.
    pub(crate) fn placed(&self) -> usize {
        *self.placed.borrow()
    }

    /// Waits until somebody was told 503.
    pub(crate) async fn was_refused(&mut self) {
        let within = tokio::time::timeout(Duration::from_secs(30), self.told_away.wait_for(|count| *count > 0)).await;
        assert!(within.is_ok_and(|count| count.is_ok()), "nobody was answered 503 in 30 s");
    }

    /// No new orders; those under way are waited for, or have lost their connection.
    pub(crate) async fn end(mut self) -> Answers {
        self.shared.stop.store(true, Ordering::Relaxed);
        while let Some(ended) = self.shoppers.join_next().await {
            ended.expect("a shopper was told what nobody may be told");
        }
        Answers { body: self.shared.body.clone(), keys: self.shared.keys.lock().expect("all shoppers have ended").clone() }
    }
}

async fn shop(http: Http, name: String, shared: Arc<Shared>) {
    let know = |key: &str, reply: Option<Reply>| {
        shared.keys.lock().expect("nothing panics while it holds the keys").insert(key.to_owned(), reply);
    };
    for number in 0.. {
        if shared.stop.load(Ordering::Relaxed) {
            return;
        }
        let key = format!("{name}-{number}");
        know(&key, None);
        loop {
            let Ok(reply) = place(&http, &key, &shared.body).try_send().await else { return };
            match reply.status {
                200 | 201 => {
                    know(&key, Some(reply));
                    shared.tell_placed.send_modify(|count| *count += 1);
                    break;
                }
                503 => {
                    shared.tell_away.send_modify(|count| *count += 1);
                    if shared.stop.load(Ordering::Relaxed) {
                        return;
                    }
                    tokio::time::sleep(TRY_AGAIN).await;
                }
                status => panic!("{key} was answered {status}: {}", reply.text()),
            }
        }
    }
}

/// What all shoppers were told.
#[derive(Debug)]
pub(crate) struct Answers {
    body: Value,
    keys: BTreeMap<String, Option<Reply>>,
}

impl Answers {
    /// How many orders there must be: one a key, once each was asked for again.
    pub(crate) fn keys(&self) -> usize {
        self.keys.len()
    }

    /// How many were told that their order is placed.
    pub(crate) fn answered(&self) -> usize {
        self.keys.values().flatten().count()
    }

    /// Every order that was answered is there as it was told, and every key, asked for again, has one order.
    pub(crate) async fn hold(&self, http: &Http) {
        let mut order_ids = BTreeMap::new();
        for (key, told) in &self.keys {
            let again = place(http, key, &self.body).send().await;
            let order_id = again.string("order_id");
            if let Some(told) = told {
                assert!(again.status == 200 && again.is_replay(), "{key} was answered, and now {}: {}", again.status, again.text());
                let read = http.get(format!("/api/v1/orders/{order_id}")).send().await.expect(200);
                assert_eq!(read.text(), told.text(), "{key} is not what it was");
            } else {
                assert!(matches!(again.status, 200 | 201), "{key}: {}", again.text());
            }
            assert_eq!(order_ids.insert(order_id, key), None, "{key} has the order of another key");
        }
    }

    /// There are no orders but these.
    pub(crate) async fn are_all(answers: &[&Self], http: &Http) {
        let expected: usize = answers.iter().map(|answers| answers.keys()).sum();
        assert_eq!(all_orders(http, "").await.len(), expected, "orders without a key, or keys with two orders");
    }
}
