//! The disk is full: told clearly, nothing lost that was answered, and over as soon as there is room.

use std::time::Duration;

use crate::support::{Database, Load, Server, Setup, audit_is_clean, cart, goods, place, problem, stock, until};

on_sqlite_only![a_full_disk_is_told_and_loses_nothing];

/// From now on no file of the server may grow beyond `bytes`: to the process, that is a full disk.
fn limit_files(server: &Server, bytes: &str) {
    let pid = server.pid().to_string();
    let set = std::process::Command::new("prlimit").args(["--pid", &pid, &format!("--fsize={bytes}:")]).status();
    assert!(set.expect("util-linux has prlimit").success(), "the limit was not set");
}

async fn a_full_disk_is_told_and_loses_nothing(database: &Database) {
    let server = Setup::on(database).deaf_to_file_limits().start().await;
    let http = &server.http;
    goods(http, "TEA", 1_000_000).await;
    let body = cart(&[("TEA", 1)]);
    let first = place(http, "first", &body).send().await.expect(201);
    let mut load = Load::start(http, "k", 8, &body);
    load.has_placed(40).await;
    let room = std::fs::metadata(database.log_file()).expect("the log is there").len();
    limit_files(&server, &room.to_string());
    load.was_refused().await;
    let refused = place(http, "refused", &body).send().await;
    problem(&refused, 503, "STORE_UNAVAILABLE");
    // The operator is told what to do; the caller need not know.
    until("the log tells about the disk", Duration::from_secs(5), async || server.has_logged("the disk of the database").then_some(()))
        .await;
    // What was answered can be read, and the process has not ended.
    let read = http.get(format!("/api/v1/orders/{}", first.string("order_id"))).send().await.expect(200);
    assert_eq!(read.text(), first.text());
    http.get("/livez").send().await.expect(200);
    limit_files(&server, "unlimited");
    until("there is room again", Duration::from_secs(10), async || {
        (place(http, "refused", &body).send().await.status == 201).then_some(())
    })
    .await;
    let placed = load.placed();
    load.has_placed(placed + 40).await;
    let answers = load.end().await;
    answers.hold(http).await;
    let orders = i64::try_from(answers.keys() + 2).expect("few");
    assert_eq!(stock(http, "TEA").await, (1_000_000, orders));
    assert_eq!(crate::support::all_orders(http, "").await.len(), answers.keys() + 2);
    // And it is all on the disk.
    let server = server.kill().await.start().await;
    answers.hold(&server.http).await;
    let again = place(&server.http, "refused", &body).send().await.expect(200);
    assert!(again.is_replay());
    assert_eq!(stock(&server.http, "TEA").await, (1_000_000, orders));
    audit_is_clean(database).await;
}
