//! Placeholder.

mod input;
mod output;
mod problem;
mod request;
