//! What tests need: a store in memory that can fail on purpose, a clock that stands still, builders, a provider with
//! books of its own, a pooler to stand behind, and the one suite that every store must pass.

pub mod builders;
pub mod clock;
pub mod columns;
pub mod json;
pub mod memory;
pub mod pooler;
pub mod provider;
pub mod suite;
pub mod trials;

pub use clock::StepClock;
pub use memory::{Bug, Fault, Faults, MemoryStore, Point};
pub use pooler::Pooler;
pub use provider::ScriptedProvider;
