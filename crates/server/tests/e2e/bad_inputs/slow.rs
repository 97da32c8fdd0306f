//! Line 75: who sends slowly, and who does not send at all.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::row::Call;
use super::wire::Witness;
use crate::support::{Database, Http, Server, cart, goods, place, until};

on_sqlite_only![who_sends_slowly_is_let_go_and_holds_up_nobody, thousands_of_idle_connections_cost_little];

/// The service waits ten seconds for a head and ten for a body; the rest is for a busy machine.
const LET_GO_WITHIN: Duration = Duration::from_secs(15);
/// Slower than any client, faster than what the service waits for.
const BYTE_EVERY: Duration = Duration::from_millis(500);
/// As many as the catalogue asks for, if the limit of open files of both processes allows it.
const IDLE: usize = 5_000;
/// What the tests and the service need besides.
const FILES_SPARE: usize = 300;
/// What a head may fill: a connection that says nothing may not cost more.
const IDLE_KIB_EACH: u64 = 32;

/// What came back until the connection ended, and after how long.
async fn dribble(address: std::net::SocketAddr, at_once: Vec<u8>, slowly: Vec<u8>) -> (String, Duration) {
    let began = Instant::now();
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    stream.write_all(&at_once).await.expect("it reads");
    let (mut from, mut to) = stream.split();
    let mut answer = Vec::new();
    let send = async {
        for byte in slowly {
            if to.write_all(&[byte]).await.is_err() {
                break;
            }
            tokio::time::sleep(BYTE_EVERY).await;
        }
        std::future::pending::<()>().await;
    };
    let read = async {
        // An end that is a reset is an end.
        let _ended = from.read_to_end(&mut answer).await;
    };
    let ended = tokio::time::timeout(LET_GO_WITHIN, async {
        tokio::select! { () = send => {}, () = read => {} }
    });
    assert!(ended.await.is_ok(), "the connection is still open after {LET_GO_WITHIN:?}");
    (String::from_utf8(answer).expect("every answer is UTF-8"), began.elapsed())
}

async fn who_sends_slowly_is_let_go_and_holds_up_nobody(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 1_000).await;
    let address = http.address();
    let call = Call::new("POST", "/api/v1/orders").key("slow").json("");
    let good = cart(&[("TEA", 1)]).to_string().into_bytes();
    let body = || call.head("Content-Length: 500\r\n");
    let chunked = || call.head("Transfer-Encoding: chunked\r\n");
    let tasks = [
        ("a head", Vec::new(), call.bytes(), false),
        ("a head without end", b"GET / HTTP/1.1\r\nHost: x\r\nX: ".to_vec(), vec![b'y'; 100], false),
        ("a body", body(), good.clone(), true),
        ("a body of which nothing comes", body(), Vec::new(), true),
        ("chunks", chunked(), [&b"a0\r\n"[..], &good].concat(), true),
        ("chunks of which nothing comes", chunked(), Vec::new(), true),
    ];
    let running: Vec<_> = tasks
        .map(|(what, at_once, slowly, is_told)| (what, is_told, tokio::spawn(dribble(address, at_once, slowly))))
        .into_iter()
        .collect();
    // Meanwhile others place orders.
    let mut witness = Witness::at(address).await;
    for number in 0..20 {
        place(http, &format!("k-{number}"), &cart(&[("TEA", 1)])).send().await.expect(201);
        witness.asks().await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    for (what, is_told, task) in running {
        let (answer, took) = task.await.expect("it was let go");
        eprintln!("{what}: {took:?}");
        if is_told {
            assert!(answer.starts_with("HTTP/1.1 408 "), "{what}: {answer}");
            assert!(answer.contains("\"code\":\"REQUEST_TIMEOUT\"") && answer.contains("connection: close"), "{what}: {answer}");
        } else {
            assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408 "), "{what}: {answer}");
        }
    }
    assert_eq!(crate::support::stock(http, "TEA").await, (1_000, 20));
}

/// How many files a process may have open.
fn files_max() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").expect("there is /proc");
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).expect("it is listed");
    line.split_whitespace().next().and_then(|soft| soft.parse().ok()).unwrap_or(usize::MAX)
}

async fn thousands_of_idle_connections_cost_little(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 1_000).await;
    place(http, "before", &cart(&[("TEA", 1)])).send().await.expect(201);
    let count = IDLE.min(files_max().saturating_sub(FILES_SPARE));
    let before = server.resident_kib();
    let mut idle = Vec::with_capacity(count);
    for number in 0..count {
        let mut stream = TcpStream::connect(http.address()).await.unwrap_or_else(|error| panic!("connection {number}: {error}"));
        // Every second one began and went silent.
        if number.is_multiple_of(2) {
            stream.write_all(b"POST /api/v1/orders HTTP/1.1\r\nHost: x\r\n").await.expect("it reads");
        }
        idle.push(stream);
    }
    let began = Instant::now();
    place(http, "among", &cart(&[("TEA", 1)])).send().await.expect(201);
    let took = began.elapsed();
    assert!(took < super::AT_ONCE, "an order among {count} idle connections took {took:?}");
    let more = server.resident_kib().saturating_sub(before);
    eprintln!("{count} idle connections: {more} KiB more than {before} KiB; an order among them took {took:?}");
    assert!(more < IDLE_KIB_EACH * count as u64, "{more} KiB for {count} connections");
    // They are let go by themselves.
    until("idle connections are closed", LET_GO_WITHIN, async || {
        let open = |stream: &TcpStream| stream.try_read(&mut [0; 1]).is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock);
        (!idle.iter().any(open)).then_some(())
    })
    .await;
    // The client's own idle connection is being closed too.
    let http = &Http::to(http.address());
    place(http, "after", &cart(&[("TEA", 1)])).send().await.expect(201);
}
