//! What the engine needs from outside: a store, somebody to ask for money, a clock. The only traits.

mod clock;
mod provider;
mod query;
mod store;

pub use clock::{Clock, SystemClock};
pub use provider::{PaymentProvider, ProviderCall, RefundCall};
pub use query::{OrderFilter, OutboxStanding, Page, Queries, RecordedEvent, Violation};
pub use store::{Mark, SaveError, Schema, SchemaTrouble, Session, Settled, Store, Unavailable};
