//! Whole runs against a small server of this test, over real sockets.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use clap::Parser;

use super::{BenchArgs, BenchError, load, measure, read, report, verdict};

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    args: BenchArgs,
}

fn args(address: SocketAddr, more: &str) -> BenchArgs {
    args_of("place", address, more)
}

fn args_of(what: &str, address: SocketAddr, more: &str) -> BenchArgs {
    let url = format!("http://{address}");
    let words = ["bench", what, "--url", &url].into_iter().chain(more.split_whitespace());
    Cli::try_parse_from(words).expect("is right").args
}

/// What the server of a test does with orders, and what it saw.
#[derive(Default)]
struct Shop {
    /// Every so many orders one is refused; 0: none.
    refuse_every: u64,
    /// Every so many orders the connection is cut instead; 0: none.
    cut_every: u64,
    /// The first order after this many takes `pause`; 0: none.
    pause_after: u64,
    pause: Duration,
    on_hand: u64,
    /// Whether payments of tickets are left open.
    pays_never: bool,
    orders: AtomicU64,
    set_up: Mutex<Vec<String>>,
}

impl Shop {
    fn open(self) -> (SocketAddr, Arc<Self>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("is bound");
        let shop = Arc::new(self);
        let serving = Arc::clone(&shop);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shop = Arc::clone(&serving);
                std::thread::spawn(move || shop.serve(stream));
            }
        });
        (address, shop)
    }

    fn serve(&self, mut stream: TcpStream) -> Option<()> {
        let mut reader = BufReader::new(stream.try_clone().ok()?);
        loop {
            let mut request = String::new();
            reader.read_line(&mut request).ok().filter(|bytes| *bytes > 0)?;
            let mut length = 0;
            loop {
                let mut header = String::new();
                reader.read_line(&mut header).ok()?;
                if header.trim().is_empty() {
                    break;
                }
                if let Some(value) = header.strip_prefix("Content-Length: ") {
                    length = value.trim().parse().ok()?;
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).ok()?;
            if length > 0 {
                serde_json::from_slice::<serde_json::Value>(&body).ok()?;
            }
            let (status, answer) = self.answer(request.trim())?;
            // In one piece: the second of two would wait for the client's delayed acknowledgement.
            let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n{answer}", answer.len());
            stream.write_all(answer.as_bytes()).ok()?;
        }
    }

    /// `None` cuts the connection.
    fn answer(&self, request: &str) -> Option<(u16, String)> {
        if let Some(path) = request.strip_prefix("GET /api/v1/orders").and_then(|rest| rest.strip_suffix(" HTTP/1.1")) {
            self.set_up.lock().expect("no test panics with it").push(path.to_owned());
            let is_earlier = path.starts_with("?limit=1&to=");
            let order = r#"{"order_id":"o","order_number":"n","user_id":"u","customer_email":"e","status":"PAID","created_at":"2026-01-02T03:04:05Z"}"#;
            return Some((200, format!(r#"{{"items":[{}],"next_cursor":"c"}}"#, if is_earlier { "" } else { order })));
        }
        if request.starts_with("POST /orders/x/confirm ") {
            self.set_up.lock().expect("no test panics with it").push("confirmed".to_owned());
            return Some((if self.pays_never { 202 } else { 200 }, "{}".into()));
        }
        if request.starts_with("POST /orders ") {
            return Some((201, r#"{"order_id":"x"}"#.into()));
        }
        if !request.starts_with("POST /api/v1/orders ") {
            self.set_up.lock().expect("no test panics with it").push(request.to_owned());
            return Some(if request.starts_with("GET") && self.on_hand == 0 {
                (404, "{}".into())
            } else {
                (200, format!(r#"{{"on_hand_qty":{},"available_qty":{}}}"#, self.on_hand, self.on_hand))
            });
        }
        let number = 1 + self.orders.fetch_add(1, Ordering::Relaxed);
        if self.pause_after > 0 && number == self.pause_after + 1 {
            std::thread::sleep(self.pause);
        }
        if self.cut_every > 0 && number.is_multiple_of(self.cut_every) {
            return None;
        }
        let refused = self.refuse_every > 0 && number.is_multiple_of(self.refuse_every);
        Some(if refused { (409, r#"{"code":"OUT_OF_STOCK"}"#.into()) } else { (201, r#"{"order_id":"x"}"#.into()) })
    }
}

fn run(shop: Shop, more: &str) -> (load::Outcome, BenchArgs, Arc<Shop>) {
    let (address, shop) = shop.open();
    let args = args(address, more);
    let outcome = measure(&args).expect("the shop is open");
    (outcome, args, shop)
}

#[test]
fn a_run_prepares_the_catalogue_places_orders_and_ends_by_itself() {
    let began = Instant::now();
    let (outcome, args, shop) = run(Shop::default(), "--connections 4 --seconds 1 --warmup 0 --skus 7 --json");
    assert!(began.elapsed() < Duration::from_secs(5));
    assert_eq!((outcome.failed, outcome.not_sent, verdict(&outcome)), (0, 0, 0));
    assert!(outcome.ok > 0 && outcome.ok == outcome.latency.count());
    let set_up = shop.set_up.lock().expect("no test panics with it");
    assert_eq!(set_up.len(), 7 * 4, "{set_up:?}");
    for request in
        ["PUT /api/v1/skus/bench-00007 HTTP/1.1", "POST /api/v1/inventory/bench-00001/restock HTTP/1.1", "POST /api/v1/offers HTTP/1.1"]
    {
        assert!(set_up.iter().any(|line| line == request), "{set_up:?}");
    }

    let line = report::json(&args, &outcome);
    let report: serde_json::Value = serde_json::from_str(&line).expect("is JSON");
    assert_eq!((&report["ok"], &report["statuses"]["201"], line.lines().count()), (&outcome.ok.into(), &outcome.ok.into(), 1));
    assert_eq!((&report["connections"], &report["skus"], &report["failed"]), (&4.into(), &7.into(), &0.into()));
    for name in ["orders_per_second", "p50_ms", "p90_ms", "p99_ms", "p999_ms", "seconds"] {
        assert!(report[name].as_f64().is_some_and(|number| number > 0.0), "{name} in {line}");
    }
    let page = report::text(&args, &outcome);
    assert!(page.contains("p99.9") && page.contains("HTTP 201") && page.contains('#'), "{page}");
}

#[test]
fn a_catalogue_that_is_there_is_left_alone() {
    let (_, _, shop) = run(Shop { on_hand: 500_000, ..Shop::default() }, "--connections 2 --seconds 1 --warmup 0 --skus 3");
    assert_eq!(shop.set_up.lock().expect("no test panics with it").len(), 3);
    let (_, _, shop) = run(Shop { on_hand: 499_999, ..Shop::default() }, "--connections 2 --seconds 1 --warmup 0 --skus 3");
    assert_eq!(shop.set_up.lock().expect("no test panics with it").len(), 6);
}

#[test]
fn more_than_one_percent_of_refusals_is_a_no_and_fewer_are_not() {
    for (refuse_every, expected) in [(50, 1), (150, 0)] {
        let (outcome, args, _) = run(Shop { refuse_every, ..Shop::default() }, "--connections 1 --seconds 1 --warmup 0 --skus 1");
        assert_eq!(outcome.failed, outcome.statuses[&409]);
        assert!(outcome.failed > 0);
        assert_eq!(verdict(&outcome), expected, "{outcome:?}");
        assert!(report::text(&args, &outcome).contains("the first: 409 {\"code\":\"OUT_OF_STOCK\"}"));
    }
}

#[test]
fn a_connection_that_is_cut_counts_as_failed_and_is_opened_again() {
    let (outcome, ..) = run(Shop { cut_every: 20, ..Shop::default() }, "--connections 2 --seconds 1 --warmup 0 --skus 1");
    assert!(outcome.failed >= 2 && outcome.ok > 20, "{outcome:?}");
    assert_eq!(verdict(&outcome), 1);
}

#[test]
fn at_a_constant_rate_a_pause_of_the_server_is_seen_by_all_orders_that_were_due() {
    let pause = Duration::from_millis(400);
    let shop = Shop { pause_after: 50, pause, ..Shop::default() };
    let (outcome, ..) = run(shop, "--connections 1 --seconds 1 --warmup 0 --skus 1 --rate 200");
    // 80 of 200 orders were due in the pause; a closed loop would show one slow order.
    assert!(outcome.latency.quantile(900) > Duration::from_millis(150), "{:?}", outcome.latency.quantile(900));
    assert_eq!(outcome.ok + outcome.failed + outcome.not_sent, 200);
    assert_eq!(outcome.latency.count(), 200);
}

#[test]
fn orders_that_no_connection_was_free_for_are_told() {
    let shop = Shop { pause_after: 10, pause: Duration::from_millis(1500), ..Shop::default() };
    let (outcome, args, _) = run(shop, "--connections 1 --seconds 1 --warmup 0 --skus 1 --rate 100");
    assert!(outcome.not_sent > 50, "{outcome:?}");
    assert!(report::text(&args, &outcome).contains("does not keep up with 100 orders/s"));
}

#[test]
fn orders_of_the_warm_up_do_not_count() {
    let (outcome, _, shop) = run(Shop::default(), "--connections 1 --seconds 1 --warmup 1 --skus 1 --rate 100");
    assert_eq!(shop.orders.load(Ordering::Relaxed) + outcome.not_sent, 200);
    assert_eq!(outcome.ok + outcome.not_sent, 100);
}

#[test]
fn a_server_that_is_away_or_elsewhere_is_told() {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port is free");
    assert!(matches!(measure(&args(free, "--seconds 1")), Err(BenchError::Away { .. })));
    let elsewhere = "192.0.2.1:8080".parse().expect("is an address");
    assert!(matches!(measure(&args(elsewhere, "--seconds 1")), Err(BenchError::WrongUse(_))));
}

#[test]
fn tickets_count_when_they_are_confirmed() {
    for (pays_never, expected) in [(false, 0), (true, 1)] {
        let (address, shop) = Shop { pays_never, ..Shop::default() }.open();
        let args = args_of("tickets", address, "--connections 2 --seconds 1 --warmup 0 --rate 50");
        let outcome = measure(&args).expect("the shop is open");
        let confirmed = shop.set_up.lock().expect("no test panics with it").len();
        assert_eq!(u64::try_from(confirmed).expect("few"), outcome.ok + outcome.failed);
        assert_eq!((outcome.ok == 0, verdict(&outcome)), (pays_never, expected), "{outcome:?}");
        assert!(report::json(&args, &outcome).contains("orders_per_second"));
    }
}

#[test]
fn reads_take_turns_and_are_told_by_kind() {
    let (address, shop) = Shop::default().open();
    let args = args_of("read", address, "--connections 2 --seconds 1 --warmup 0 --rate 200");
    let outcome = measure(&args).expect("the shop is open");
    assert_eq!((outcome.failed, verdict(&outcome)), (0, 0));
    let report: serde_json::Value = serde_json::from_str(&report::json(&args, &outcome)).expect("is JSON");
    let kinds = report["kinds"].as_object().expect("they are told");
    assert_eq!(kinds.len(), read::KINDS.len());
    assert!(kinds.values().all(|kind| kind["count"].as_u64().is_some_and(|count| (15..=25).contains(&count))), "{kinds:?}");
    assert_eq!(report["reads_per_second"].as_f64().map(f64::is_sign_positive), Some(true));
    let asked = shop.set_up.lock().expect("no test panics with it");
    for path in [
        "/o",
        "/o/events",
        "?limit=20",
        "?limit=20&cursor=c",
        "?limit=20&user_id=u",
        "?limit=20&status=PAID",
        "?limit=20&status=PAID,DELIVERED",
        "?limit=20&to=2026-01-02T03:04:05Z",
        "?number=n",
        "?limit=20&email=e",
    ] {
        assert!(asked.iter().any(|other| other == path), "{path} was never asked");
    }
    assert!(report::text(&args, &outcome).contains("by_email"));
}

#[test]
fn without_orders_there_is_nothing_to_read() {
    let empty = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = empty.local_addr().expect("is bound");
    std::thread::spawn(move || {
        let (mut stream, _) = empty.accept().expect("somebody comes");
        let _ = stream.read(&mut [0; 1024]);
        let body = r#"{"items":[],"next_cursor":null}"#;
        write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()).expect("it reads");
    });
    assert!(matches!(measure(&args_of("read", address, "--seconds 1")), Err(BenchError::WrongUse(_))));
}
