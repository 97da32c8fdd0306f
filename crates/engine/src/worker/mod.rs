//! What goes on by itself: asking providers for money, canceling what was never paid. Any instance may do any of it.

mod payments;
mod stub;
mod sweeper;

pub use payments::run_payments;
pub use stub::StubProvider;
pub use sweeper::run_sweeper;
