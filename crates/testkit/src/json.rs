//! JSON in one form, so that texts can be compared: a database may sort keys and drop spaces, but never change a number.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// `text` without spaces, with sorted keys, numbers as they are written. What is no JSON comes back as it is.
pub fn canonical(text: &str) -> String {
    let text = text.trim();
    if let Ok(object) = serde_json::from_str::<BTreeMap<String, Box<RawValue>>>(text) {
        let members: Vec<String> = object.iter().map(|(key, value)| format!("{}:{}", quoted(key), canonical(value.get()))).collect();
        return format!("{{{}}}", members.join(","));
    }
    if let Ok(list) = serde_json::from_str::<Vec<Box<RawValue>>>(text) {
        let items: Vec<String> = list.iter().map(|value| canonical(value.get())).collect();
        return format!("[{}]", items.join(","));
    }
    serde_json::from_str::<String>(text).map_or_else(|_| text.to_owned(), |string| quoted(&string))
}

/// Whether two texts are the same in that form.
pub fn is_same(one: &str, other: &str) -> bool {
    canonical(one) == canonical(other)
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("a text always serializes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_and_the_order_of_keys_do_not_count_but_numbers_do() {
        let forms = [r#" {"b": [1.50, null], "a": "\u00e9\n"} "#, "{\"a\":\"é\\n\",\"b\":[1.50,null]}"];
        assert_eq!(canonical(forms[0]), forms[1]);
        assert_eq!(canonical(forms[1]), forms[1]);
        assert_ne!(canonical("1.50"), canonical("1.5"));
        assert_eq!(canonical("no json"), "no json");
    }
}
