//! The store on real files.

mod audit;
mod columns;
mod faults;
mod files;
mod numbers;
mod suite;
mod support;
