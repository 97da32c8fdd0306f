//! gRPC, as a client in another language sees it: `tests/grpc/scenarios.py` knows messages and methods from reflection alone.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use crate::support::{Database, Server, audit_is_clean, goods};

on_each_database![
    a_guest_checks_out,
    both_doors_show_the_same,
    a_key_is_one_at_both_doors,
    bad_inputs_are_refused_alike,
    a_refused_payment_names_the_order,
    lists_are_read_page_by_page,
    fifty_confirms_make_one_order,
    a_deadline_ends_the_wait_and_not_the_work,
    what_is_no_call_harms_nobody,
    health_and_reflection_tell_what_is_served,
    watching_goes_on_where_it_was,
    a_stop_ends_what_is_open,
];
on_postgres_only![another_instance_is_heard];

/// The folder of Python packages with grpcio; `cargo xtask test` fills it.
const PACKAGES: &str = "ORDO_TEST_GRPC_PACKAGES";
/// Each scenario takes a second or two; a stream that never ends must not hold up everything.
const WITHIN: Duration = Duration::from_secs(90);

/// Plays a scenario on `server`, or with the HTTP doors of `other`.
async fn play(name: &str, server: &Server, other: &Server) {
    let packages = std::env::var(PACKAGES);
    let packages = packages.unwrap_or_else(|_| panic!("{PACKAGES} must name a folder with grpcio; `cargo xtask test` fills one"));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/grpc/scenarios.py");
    let mut command = Command::new("python3");
    command.env("PYTHONPATH", packages);
    command.arg("-B").arg(script).args([name, &server.grpc.to_string(), &other.http.address().to_string(), &server.pid().to_string()]);
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output();
    let output = tokio::time::timeout(WITHIN, output).await.unwrap_or_else(|_| panic!("{name} did not end within {WITHIN:?}"));
    let output = output.expect("the Python that is named can be run");
    assert!(output.status.success(), "{name}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
}

async fn played(name: &str, database: &Database) {
    let server = Server::on(database).await;
    goods(&server.http, "TEA", 30).await;
    play(name, &server, &server).await;
    drop(server);
    audit_is_clean(database).await;
}

async fn a_guest_checks_out(database: &Database) {
    played("a_guest_checks_out", database).await;
}

async fn both_doors_show_the_same(database: &Database) {
    played("both_doors_show_the_same", database).await;
}

async fn a_key_is_one_at_both_doors(database: &Database) {
    played("a_key_is_one_at_both_doors", database).await;
}

async fn bad_inputs_are_refused_alike(database: &Database) {
    played("bad_inputs_are_refused_alike", database).await;
}

async fn a_refused_payment_names_the_order(database: &Database) {
    played("a_refused_payment_names_the_order", database).await;
}

async fn lists_are_read_page_by_page(database: &Database) {
    played("lists_are_read_page_by_page", database).await;
}

async fn fifty_confirms_make_one_order(database: &Database) {
    played("fifty_confirms_make_one_order", database).await;
}

async fn a_deadline_ends_the_wait_and_not_the_work(database: &Database) {
    played("a_deadline_ends_the_wait_and_not_the_work", database).await;
}

async fn what_is_no_call_harms_nobody(database: &Database) {
    played("what_is_no_call_harms_nobody", database).await;
}

async fn health_and_reflection_tell_what_is_served(database: &Database) {
    played("health_and_reflection_tell_what_is_served", database).await;
}

async fn watching_goes_on_where_it_was(database: &Database) {
    played("watching_goes_on_where_it_was", database).await;
}

async fn a_stop_ends_what_is_open(database: &Database) {
    let mut server = Server::on(database).await;
    goods(&server.http, "TEA", 30).await;
    play("a_stop_ends_what_is_open", &server, &server).await;
    let ended = tokio::time::timeout(Duration::from_secs(2), server.ended()).await;
    assert_eq!(ended, Ok(Some(0)), "within two seconds");
}

async fn another_instance_is_heard(database: &Database) {
    let server = Server::on(database).await;
    let other = Server::on(database).await;
    goods(&server.http, "TEA", 30).await;
    play("another_instance_is_heard", &server, &other).await;
}
