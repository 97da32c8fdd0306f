//! What every store must do, case by case. A case wants a store of its own, empty; it panics with what is wrong.

mod hands;
mod specimen;
