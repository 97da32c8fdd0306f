//! The store against a real server. `ORDO_TEST_POSTGRES`: the URL of one on which databases may be made.

mod database;
mod faults;
mod lists;
mod proxy;
mod races;
mod schema;
mod speed;
mod suite;
mod twins;
