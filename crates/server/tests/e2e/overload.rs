//! More waits than the queue holds: the next caller is told at once, nothing is lost, and the rest is worked off.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::net::TcpStream;

use crate::support::{Database, Http, Load, Reply, Server, all_orders, audit_is_clean, cart, crowd, goods, place, signal, stock, until};

on_sqlite_only![a_full_queue_is_told_while_another_process_holds_the_file];
on_postgres_only![a_frozen_instance_does_not_stop_the_other];

/// What a caller is told who is not made to wait.
const AT_ONCE: Duration = Duration::from_millis(900);
const UNITS: i64 = 40;
/// As many as the service lets wait.
const QUEUE_MAX: u32 = 5000;

/// The answer to a probe, if it comes at once.
async fn probe(http: &Http, key: &str, body: &Value) -> Option<Reply> {
    tokio::time::timeout(AT_ONCE, place(http, key, body).try_send()).await.ok().map(|reply| reply.expect("the service answers"))
}

/// Fills the queue with orders of callers who leave, until one is told that it is full. Fifty come at the same moment: what waits for longer than
/// its patience is given up, and must not go as fast as it comes.
async fn fill(http: &Http, body: &Value) {
    let mut callers = VecDeque::new();
    let mut last = String::new();
    for round in 0_u32.. {
        let sent = round * 50;
        let comes = |n: usize| {
            let request = place(http, &format!("left-{round}-{n}"), body);
            async move { request.send_only(usize::MAX).await.expect("the service listens") }
        };
        callers.extend(crowd(50, comes).await);
        tokio::time::sleep(Duration::from_millis(10)).await;
        // A caller stays until two hundred others have come, so that his request is seen.
        while callers.len() > 200
            && let Some(caller) = callers.pop_front()
        {
            last = told(&caller);
            if last.contains("OVERLOADED") {
                assert!(last.starts_with("HTTP/1.1 503 ") && last.contains("retry-after: 1\r\n"), "{last}");
                assert!(sent >= QUEUE_MAX, "the queue is full after {sent} orders");
                return;
            }
        }
        assert!(sent < 4 * QUEUE_MAX, "after {sent} orders nobody is told that the queue is full; the last one was told {last:?}");
    }
}

/// What has come back so far.
fn told(caller: &TcpStream) -> String {
    let mut bytes = [0; 4096];
    let count = caller.try_read(&mut bytes).unwrap_or(0);
    String::from_utf8_lossy(&bytes[..count]).into_owned()
}

/// Freezes `busy` until `blocked` says that it holds what others need.
async fn freeze(busy: &Server, mut blocked: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        signal(busy.pid(), "STOP");
        if blocked().await {
            return;
        }
        signal(busy.pid(), "CONT");
        assert!(Instant::now() < deadline, "it never held anything when it was frozen");
        tokio::task::yield_now().await;
    }
}

async fn a_full_queue_is_told_while_another_process_holds_the_file(database: &Database) {
    let (server, other) = (Server::on(database).await, Server::on(database).await);
    let http = &server.http;
    goods(http, "TEA", UNITS).await;
    goods(http, "BUSY", 1_000_000).await;
    let body = cart(&[("TEA", 1)]);
    let mut load = Load::start(&other.http, "busy", 8, &cart(&[("BUSY", 1)]));
    load.has_placed(20).await;
    let mut probes = 0;
    freeze(&other, async || {
        probes += 1;
        probe(http, &format!("probe-{probes}"), &cart(&[("BUSY", 1)])).await.is_none()
    })
    .await;
    fill(http, &body).await;
    signal(other.pid(), "CONT");
    let answers = load.end().await;
    let reply = until("orders are taken again", Duration::from_secs(20), async || {
        let reply = place(http, "after", &body).send().await;
        (reply.status != 503).then_some(reply)
    })
    .await;
    assert!(matches!(reply.status, 200 | 201 | 409), "{}", reply.text());
    until("the queue is empty", Duration::from_secs(20), async || {
        let ready = http.get("/readyz").send().await.expect(200).json();
        (ready["checks"]["waiting_commands"] == 0).then_some(())
    })
    .await;
    answers.hold(http).await;
    let (tea, busy) = (stock(http, "TEA").await, stock(http, "BUSY").await);
    assert_eq!(i64::try_from(all_orders(http, "").await.len()), Ok(tea.1 + busy.1));
    audit_is_clean(database).await;
}

async fn a_frozen_instance_does_not_stop_the_other(database: &Database) {
    let (server, other) = (Server::on(database).await, Server::on(database).await);
    let http = &server.http;
    goods(http, "HOT", 1_000_000).await;
    let body = cart(&[("HOT", 1)]);
    let mut load = Load::start(&other.http, "frozen", 8, &body);
    load.has_placed(20).await;
    signal(other.pid(), "STOP");
    // Whatever it holds is taken from it within seconds.
    let reply = place(http, "k", &body).send().await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    signal(other.pid(), "CONT");
    let placed = load.placed();
    load.has_placed(placed + 20).await;
    let answers = load.end().await;
    answers.hold(http).await;
    assert_eq!(all_orders(http, "").await.len(), answers.keys() + 1);
    audit_is_clean(database).await;
}
