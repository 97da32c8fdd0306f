//! What callers send, turned into typed values: what every door reads alike, and the query strings of this one.

pub(crate) mod query;

pub(crate) use api_input::{At, ERRORS_MAX, FieldError, address, canonical, document, fields, nearest, rules, shown};
