//! The whole engine in one thread, under a seeded scheduler, over a store that fails on purpose: any failing run replays.
//!
//! [`run::run`] takes one seed from the opening of the shop to the verdict; [`sweep::sweep`] takes many.
//! The engine, its writers and the rules are the real ones; the store, the provider, time and chance are simulated.

pub mod ask;
pub mod bank;
pub mod clerk;
pub mod dice;
pub mod guest;
mod history;
pub mod house;
pub mod instance;
pub mod judge;
pub mod marks;
pub mod meddle;
pub mod nemesis;
pub mod plan;
pub mod probe;
pub mod run;
pub mod scheduler;
pub mod shopper;
pub mod sweep;
pub mod time;
pub mod watched;
mod weather;
pub mod world;
