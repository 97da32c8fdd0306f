//! Takes commands from the doors, decides them in batches, saves each batch in one transaction, answers.
//!
//! Stores, providers and clocks are [`port`]s; the rules are in `domain`. Nothing here speaks HTTP or SQL.

pub mod port;
pub mod schema;
pub mod wire;
