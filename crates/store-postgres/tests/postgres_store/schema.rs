//! Migrations: once, one at a time, and never onto a schema that has moved on.

use crate::database::Database;
use engine::port::{Queries as _, Schema, SchemaTrouble, Store as _};
use engine::schema::SchemaError;
use futures_util::future::join_all;
use store_postgres::PostgresStore;

#[tokio::test]
async fn a_second_migration_finds_nothing_to_do() {
    let database = Database::empty().await;
    let store = database.store();
    let known: Vec<i32> = store_postgres::KNOWN.0.iter().map(|step| step.number).collect();
    assert_eq!(store.missing().await.unwrap(), known);
    assert_eq!(store.missing().await.unwrap(), known, "asking applied something");
    assert_eq!(store.migrate().await.unwrap(), known);
    assert_eq!(store.migrate().await.unwrap(), [0; 0]);
    assert_eq!(store.missing().await.unwrap(), [0; 0]);
    let client = database.client().await;
    let applied = "select name, length(checksum), applied_by from schema_migration where number = 1";
    let row = client.query_one(applied, &[]).await.unwrap();
    assert_eq!((row.get(0), row.get(1)), ("core", 64));
    assert!(row.get::<_, &str>(2).starts_with("ordo "));
}

#[tokio::test]
async fn of_many_that_migrate_at_once_one_does() {
    let database = Database::empty().await;
    let stores: Vec<PostgresStore> = (0..5).map(|_| database.store()).collect();
    let taken = join_all(stores.iter().map(Schema::migrate)).await;
    let steps: usize = taken.into_iter().map(|taken| taken.unwrap().len()).sum();
    assert_eq!(steps, store_postgres::KNOWN.0.len());
}

#[tokio::test]
async fn a_store_without_its_schema_is_not_ready_and_says_what_to_do() {
    let database = Database::empty().await;
    let store = database.store();
    let said = store.ready().await.unwrap_err().to_string();
    assert!(said.contains("ordo migrate") && said.contains("1 (core)"), "{said}");
    store.migrate().await.unwrap();
    store.ready().await.unwrap();
}

#[tokio::test]
async fn a_newer_schema_is_served_unless_it_says_no() {
    let database = Database::fresh().await;
    let (store, client) = (database.store(), database.client().await);
    let next = "insert into schema_migration (number, name, checksum, min_binary, applied_by) values (1000, 'next', 'x', 1, 'ordo 9')";
    client.batch_execute(next).await.unwrap();
    store.ready().await.unwrap();
    assert_eq!(store.migrate().await.unwrap(), [0; 0]);
    client.batch_execute("update schema_migration set min_binary = 1000 where number = 1000").await.unwrap();
    let said = store.ready().await.unwrap_err().to_string();
    assert!(said.contains("start a newer ordo"), "{said}");
    let refused = store.migrate().await.unwrap_err();
    assert!(matches!(refused, SchemaTrouble::Unfit(SchemaError::BinaryTooOld { min_binary: 1000, .. })), "{refused:?}");
}

#[tokio::test]
async fn an_edited_migration_is_noticed() {
    let database = Database::fresh().await;
    database.client().await.batch_execute("update schema_migration set checksum = 'other' where number = 1").await.unwrap();
    let refused = database.store().migrate().await.unwrap_err();
    assert!(matches!(refused, SchemaTrouble::Unfit(SchemaError::Changed { number: 1 })), "{refused:?}");
    assert!(database.store().ready().await.is_err());
}

#[tokio::test]
async fn a_migration_that_fails_leaves_no_trace() {
    let database = Database::empty().await;
    let client = database.client().await;
    // The last thing that the first step makes is already there.
    client
        .batch_execute("create function draw_order_numbers(integer, integer) returns setof bigint language sql as 'select 1::bigint'")
        .await
        .unwrap();
    let said = database.store().migrate().await.unwrap_err().to_string();
    assert!(said.contains("migration 1 (core) was rolled back"), "{said}");
    let there: bool = client.query_one("select to_regclass('orders') is not null", &[]).await.unwrap().get(0);
    assert!(!there);
    client.batch_execute("drop function draw_order_numbers").await.unwrap();
    assert_eq!(database.store().migrate().await.unwrap().first(), Some(&1));
}

#[tokio::test]
async fn a_store_can_be_made_while_its_database_is_away() {
    let store = PostgresStore::connect("postgres://nobody@127.0.0.1:1/nowhere").unwrap();
    let said = store.ready().await.unwrap_err().to_string();
    assert!(said.contains("onnect"), "{said}");
    let mut session = store.session().await.unwrap();
    assert!(session.load(&domain::Needs::default(), &mut domain::View::default()).await.is_err());
    let saved = session.save(&domain::Changes::default(), crate::database::mark()).await;
    assert!(matches!(saved, Err(engine::port::SaveError::Unavailable(_))), "{saved:?}");
    assert!(PostgresStore::connect("mysql://x").is_err());
}

/// The service's role may use what is there, and create nothing.
#[tokio::test]
async fn a_role_that_may_not_create_draws_numbers_of_a_new_year() {
    let database = Database::fresh().await;
    let client = database.client().await;
    let role = format!("ordo_role_{:016x}", rand::random::<u64>());
    client.batch_execute(&format!("create role {role}; revoke create on schema public from public; set role {role}")).await.unwrap();
    let drawn: Vec<i64> = client.query("select draw_order_numbers(2031, 2)", &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    assert_eq!(drawn, [1, 2]);
    assert!(client.batch_execute("create table x ()").await.is_err(), "the role could create after all");
    client.batch_execute(&format!("reset role; drop role {role}")).await.unwrap();
}
