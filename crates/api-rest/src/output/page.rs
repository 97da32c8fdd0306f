//! Pages of a list, and the way to the next one.

use serde::Serialize;

pub(crate) use api_input::cursor::Cursor;

/// Some entries of a list and the way to the next ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Page<T> {
    /// The entries.
    pub(crate) items: Vec<T>,
    /// What to send as `cursor` for the next page; `null` on the last one.
    pub(crate) next_cursor: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_page_has_no_cursor_but_the_member() {
        let page = Page { items: vec![1], next_cursor: None };
        assert_eq!(serde_json::to_string(&page).unwrap(), r#"{"items":[1],"next_cursor":null}"#);
    }
}
