//! The store on real files.

mod audit;
mod faults;
mod files;
mod numbers;
mod suite;
mod support;
