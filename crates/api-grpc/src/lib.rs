//! The gRPC door: checkout sessions and orders, with health and reflection.
//!
//! A door translates, submits, translates. No rule of the business, no SQL, no clock. What callers send is read by `api-input`, as at the
//! HTTP doors: the same input has the same pointers, codes and facts.

mod app;
mod checkout;
mod document;
mod head;
mod order;
mod problem;
mod serve;
mod session_shape;
mod shape;
mod watch;

pub use app::{App, AppOptions};
pub use serve::serve;

/// What was generated from `contracts/proto`.
#[expect(
    unreachable_pub,
    clippy::pedantic,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    reason = "it is generated, and its source has the comments"
)]
mod proto {
    include!(concat!(env!("OUT_DIR"), "/proto.rs"));
}

use proto::ordo::checkout::v1 as checkout_v1;
use proto::ordo::order::v1 as order_v1;

/// What reflection shows.
const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
