//! What Ordo decides, and nothing else: pure values in, pure values out.
//!
//! A [`command`] says what it must see ([`needs`](command::Command::needs)), then decides against a [`View`]. What it
//! decided is a value too: [`Changes`]. Stores load the one and save the other.
//!
//! Absent here by law: I/O, async, clocks, randomness, wire formats. The same input gives the same output, bit by bit.
#![deny(clippy::float_arithmetic, clippy::as_conversions, clippy::arithmetic_side_effects)]

pub mod caller;
pub mod cart;
pub mod catalog;
pub mod checkout;
pub mod command;
pub mod event;
pub mod hold;
pub mod ids;
pub mod key;
pub mod message;
pub mod money;
pub mod order;
pub mod payment;
pub mod refund;
pub mod refusal;
pub mod shipment;
pub mod stock;
pub mod tables;
pub mod task;
pub mod time;

pub use caller::{Caller, Role};
pub use refusal::Refusal;
pub use tables::{Changes, Gap, Needs, View};
