//! The store against a real server. `ORDO_TEST_POSTGRES`: the URL of one on which databases may be made.
//! `ORDO_TEST_PGBOUNCER`: the program that stands between.

mod columns;
mod database;
mod faults;
mod lists;
mod pooled;
mod proxy;
mod races;
mod schema;
mod speed;
mod suite;
mod twins;
