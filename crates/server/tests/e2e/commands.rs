//! What a person types, and the exit code that a script sees.

use serde_json::Value;

use crate::support::{Database, Ordo, Server, Setup, cart, goods, place};

on_each_database![
    migrating_is_done_once_and_told,
    a_wrong_name_in_the_configuration_names_the_nearest,
    the_configuration_is_shown_without_its_secrets,
    an_audit_of_a_sound_database_says_so,
    an_address_that_is_taken_is_told,
];
on_postgres_only![
    a_schema_that_asks_for_a_newer_binary_is_not_served,
    an_audit_finds_what_was_changed_behind_the_back_of_the_service,
    a_database_that_is_away_is_exit_code_three,
];
on_sqlite_only![a_file_that_cannot_be_opened_is_exit_code_three];

fn ended(ordo: &Ordo, code: i32) {
    assert_eq!(ordo.code, Some(code), "{}{}", ordo.stdout, ordo.stderr);
}

async fn migrating_is_done_once_and_told(database: &Database) {
    let setup = Setup::on(database);
    let missing = setup.run(&["migrate", "--check"]).await;
    ended(&missing, 1);
    assert!(missing.stdout.starts_with("missing: 1"), "{}", missing.stdout);
    let applied = setup.run(&["migrate"]).await;
    ended(&applied, 0);
    assert!(applied.stdout.starts_with("applied: 1"), "{}", applied.stdout);
    for arguments in [&["migrate", "--check"][..], &["migrate"]] {
        let nothing = setup.run(arguments).await;
        ended(&nothing, 0);
        assert_eq!(nothing.stdout, "the schema is up to date\n");
    }
    Server::on(database).await;
}

async fn a_wrong_name_in_the_configuration_names_the_nearest(database: &Database) {
    for (variable, nearest) in [
        ("ORDO_LISTN", "ORDO_LISTEN"),
        ("ORDO_PAYMENTS__ANSWER_WITHIN", "ORDO_PAYMENTS__ANSWER_WITHIN_MS"),
        ("ORDO_RABBITMQ_URL", "ORDO_RABBITMQ__URL"),
    ] {
        let refused = Setup::on(database).set(variable, "1").run(&["serve"]).await;
        ended(&refused, 2);
        assert!(refused.stderr.contains(variable) && refused.stderr.contains(nearest), "{}", refused.stderr);
    }
    let file = std::env::temp_dir().join(format!("ordo-e2e-{:016x}.toml", rand::random::<u64>()));
    std::fs::write(&file, "[orders]\ncurency = \"EUR\"\n").expect("the temporary folder takes files");
    let path = file.to_str().expect("it is UTF-8");
    let refused = Setup::on(database).run(&["serve", "--config", path]).await;
    std::fs::remove_file(&file).expect("it is ours");
    ended(&refused, 2);
    assert!(refused.stderr.contains("orders.curency") && refused.stderr.contains("orders.currency"), "{}", refused.stderr);
    let missing = Setup::on(database).run(&["serve", "--config", path]).await;
    ended(&missing, 2);
    let wrong = Setup::on(database).set("ORDO_ORDERS__CURRENCY", "BTC").run(&["serve"]).await;
    ended(&wrong, 2);
    ended(&Setup::on(database).run(&["sreve"]).await, 2);
}

async fn the_configuration_is_shown_without_its_secrets(_: &Database) {
    let setup = Setup::at("postgres://ordo:hunter2@localhost/ordo")
        .set("ORDO_ADMIN_KEY", "swordfish")
        .set("ORDO_RABBITMQ__URL", "amqp://guest:opensesame@mq:5672");
    let shown = setup.run(&["config"]).await;
    ended(&shown, 0);
    for secret in ["hunter2", "swordfish", "opensesame"] {
        assert!(!shown.stdout.contains(secret) && !shown.stderr.contains(secret), "{secret} in {}", shown.stdout);
    }
    assert!(shown.stdout.contains("postgres://ordo:***@localhost/ordo"), "{}", shown.stdout);
    assert!(shown.stdout.contains("payment_window_seconds = 1800"), "{}", shown.stdout);
}

async fn an_audit_of_a_sound_database_says_so(database: &Database) {
    let server = Server::on(database).await;
    goods(&server.http, "TEA", 10).await;
    place(&server.http, "k", &cart(&[("TEA", 1)])).send().await.expect(201);
    let setup = Setup::on(database);
    let text = setup.run(&["audit"]).await;
    ended(&text, 0);
    assert_eq!(text.stdout, "every invariant holds\n");
    let json = setup.run(&["audit", "--json"]).await;
    ended(&json, 0);
    assert_eq!(json.stdout, "");
}

async fn an_address_that_is_taken_is_told(database: &Database) {
    let server = Server::on(database).await;
    let address = server.http.address().to_string();
    let refused = Setup::on(database).set("ORDO_LISTEN", &*address).run(&["serve"]).await;
    ended(&refused, 1);
    assert!(refused.stderr.contains(&address), "{}", refused.stderr);
    server.http.get("/readyz").send().await.expect(200);
}

async fn a_schema_that_asks_for_a_newer_binary_is_not_served(database: &Database) {
    let setup = Setup::on(database);
    ended(&setup.run(&["migrate"]).await, 0);
    // One step newer that this binary can live with, then one that it cannot.
    let newer = |number: i32, min_binary: i32| {
        database.run_sql(&format!(
            "insert into schema_migration (number, name, checksum, min_binary, applied_by) values ({number}, 'later', 'x', {min_binary}, 'a test')"
        ));
    };
    newer(998, 1);
    drop(Server::on(database).await);
    newer(999, 999);
    let refused = setup.run(&["serve"]).await;
    ended(&refused, 1);
    assert!(refused.stderr.contains("999") && refused.stderr.contains("start a newer ordo"), "{}", refused.stderr);
    ended(&setup.run(&["migrate"]).await, 1);
    ended(&setup.run(&["migrate", "--check"]).await, 1);
}

async fn an_audit_finds_what_was_changed_behind_the_back_of_the_service(database: &Database) {
    let server = Server::on(database).await;
    goods(&server.http, "TEA", 10).await;
    goods(&server.http, "POT", 10).await;
    let order_id = place(&server.http, "k", &cart(&[("TEA", 1)])).send().await.expect(201).string("order_id");
    for (plant, undo, named) in [
        (
            "update inventory_balance set on_hand = on_hand + 1 where sku_id = 'POT'".to_owned(),
            "update inventory_balance set on_hand = on_hand - 1 where sku_id = 'POT'".to_owned(),
            "POT",
        ),
        (
            format!("update orders set subtotal = subtotal + 1, total_amount = total_amount + 1 where order_id = '{order_id}'"),
            format!("update orders set subtotal = subtotal - 1, total_amount = total_amount - 1 where order_id = '{order_id}'"),
            &*order_id,
        ),
        (
            format!("update orders set status = 'PAID' where order_id = '{order_id}'"),
            format!("update orders set status = 'CREATED' where order_id = '{order_id}'"),
            &*order_id,
        ),
    ] {
        database.run_sql(&plant);
        let found = Setup::on(database).run(&["audit", "--json"]).await;
        ended(&found, 1);
        let rows: Vec<Value> = found.stdout.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect();
        assert!(rows.iter().any(|row| row["row"].as_str().is_some_and(|text| text.contains(named))), "{plant}: {rows:#?}");
        assert!(rows.iter().all(|row| row["invariant"].is_string() && row["explanation"].is_string()), "{rows:#?}");
        let text = Setup::on(database).run(&["audit"]).await;
        ended(&text, 1);
        assert!(text.stdout.contains(named), "{}", text.stdout);
        database.run_sql(&undo);
        ended(&Setup::on(database).run(&["audit"]).await, 0);
    }
}

async fn a_database_that_is_away_is_exit_code_three(_: &Database) {
    // Nobody listens on a port that was just given back.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    drop(listener);
    let setup = Setup::at(format!("postgres://postgres@{address}/none"));
    for arguments in [&["migrate"][..], &["migrate", "--check"], &["audit"]] {
        let away = setup.run(arguments).await;
        ended(&away, 3);
        assert!(!away.stderr.is_empty());
    }
}

async fn a_file_that_cannot_be_opened_is_exit_code_three(database: &Database) {
    let no_file = database.file().parent().expect("it has a folder").join("folder");
    std::fs::create_dir_all(&no_file).expect("the folder is ours");
    let setup = Setup::at(format!("sqlite:{}", no_file.display()));
    for arguments in [&["serve"][..], &["migrate"], &["audit"]] {
        let away = setup.run(arguments).await;
        ended(&away, 3);
        assert!(!away.stderr.is_empty());
    }
}
