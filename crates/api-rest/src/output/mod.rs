//! What callers get back: money, times and pages in their one written form.

pub(crate) mod amount;
pub(crate) mod page;
pub(crate) mod time;
