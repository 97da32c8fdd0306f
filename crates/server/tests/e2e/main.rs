//! The real binary, over real sockets, on both databases: what a caller, an operator and a failing machine see.
//!
//! Every scenario runs on SQLite and on PostgreSQL; the PostgreSQL half has `postgres` in its names and needs a server
//! that `ORDO_TEST_POSTGRES` names, and for some a pgbouncer that `ORDO_TEST_PGBOUNCER` names.

/// Makes two tests of each scenario: on SQLite and on PostgreSQL.
macro_rules! on_each_database {
    ($($scenario:ident),+ $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $scenario() {
                    super::$scenario(&crate::support::Database::sqlite()).await;
                }
            )+
        }
        mod postgres {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $scenario() {
                    super::$scenario(&crate::support::Database::postgres()).await;
                }
            )+
        }
    };
}

/// Makes a test of each scenario that only one SQLite file can play.
macro_rules! on_sqlite_only {
    ($($scenario:ident),+ $(,)?) => {
        mod only_sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $scenario() {
                    super::$scenario(&crate::support::Database::sqlite()).await;
                }
            )+
        }
    };
}

/// Makes a test of each scenario that only a database server can play: several instances, a network that fails.
macro_rules! on_postgres_only {
    ($($scenario:ident),+ $(,)?) => {
        mod only_postgres {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $scenario() {
                    super::$scenario(&crate::support::Database::postgres()).await;
                }
            )+
        }
    };
}

mod support;

mod away;
mod bad_inputs;
mod books;
mod carts;
mod catalogue;
mod checkout;
mod checkout_holds;
mod commands;
mod conditions;
mod crashes;
mod crashes_in_confirm;
mod disk;
mod documents;
mod dry_run;
mod events;
mod expiry;
mod features;
mod flash_sale;
mod grpc;
mod holds;
mod interleavings;
mod inventory;
mod keys;
mod lists;
mod live;
mod overload;
mod past;
mod payments;
mod placing;
mod pooled;
mod protocol;
mod races;
mod refusing;
mod retries;
mod stopping;
mod storefront;
mod stream;
mod sync;
mod tickets;
mod why;
