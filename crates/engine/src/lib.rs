//! Takes commands from the doors, decides them in batches, saves each batch in one transaction, answers.
//!
//! Stores, providers and clocks are [`port`]s; the rules are in `domain`. Nothing here speaks HTTP or SQL.
//!
//! [`Engine::submit`] → queue → [`Writer`]: load → decide → save → answer. [`worker`]s carry decisions to the outside world.

mod engine;
mod failure;
mod flow;
pub mod guest;
mod lately;
mod measure;
mod object;
pub mod past;
pub mod port;
mod queue;
pub mod refused;
pub mod schema;
mod signals;
mod step;
mod stop;
mod threads;
mod ticket;
pub mod told;
pub mod wire;
pub mod worker;
mod writer;

pub use engine::{Ask, Engine, Options, Pause, RealPause};
pub use failure::Failure;
pub use signals::Watched;
pub use step::Step;
pub use stop::{StopSignal, Stopper};
pub use threads::{WriterThreads, run_on_threads};
pub use ticket::Done;
pub use writer::Writer;
