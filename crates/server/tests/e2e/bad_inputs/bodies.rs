//! What is wrong with a whole body, its length, its type, or the headers beside it.

use super::doors::{CANARY, Door, Needs};
use super::fields::with;
use super::row::{Call, Expected, Row};

/// The largest body.
const BODY_BYTES_MAX: usize = 1024 * 1024;

/// Every line of the catalogue that any door with a body must know.
pub(super) fn rows(door: &Door, call: impl Fn(&[u8]) -> Call) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut refused = |number: u8, what: &str, body: &[u8], status: u16, code: &'static str| {
        rows.push(call(body).row(number, what, Expected::refusal(door.form, status, code)));
    };
    let good = door.good;
    let cut = &good[..good.len() - 1];
    let prefixed = |prefix: &str| format!("{{{prefix}{}", &good[1..]).replace(",}", "}").into_bytes();
    for body in ["{", cut, "}", "{a:1}", "{'a':1}", "{\"a\":1,}", "{\"a\":\"\n\"}", "{\"a\":tru}", "// x\n{}", "{\"a\" 1}", "\0", "%7B%7D"]
    {
        refused(1, &format!("malformed {body}"), body.as_bytes(), 400, "MALFORMED_JSON");
    }
    for body in [" ", "\r\n\t "] {
        refused(2, "blank", body.as_bytes(), 400, "BODY_REQUIRED");
    }
    if door.needs.body() {
        refused(2, "empty", b"", 400, "BODY_REQUIRED");
    }
    for body in [&format!("[{good}]"), "\"canary7f3e\"", "null", "1", "true", "[]"] {
        refused(3, "no object", body.as_bytes(), 400, "MALFORMED_JSON");
    }
    for body in [format!("{good}x"), format!("{good}{good}"), format!("{good}\n{good}"), format!("{good}\0"), format!("{good},")] {
        refused(4, "trailing", body.as_bytes(), 400, "MALFORMED_JSON");
    }
    for prefix in ["\"a\":1,\"a\":2,", "\"a\":1,\"\\u0061\":2,", "\"m\":{\"b\":{\"x\":1,\"x\":1}},", "\"m\":[[{\"\":1,\"\":1}]],"] {
        refused(5, &format!("twice {prefix}"), &prefixed(prefix), 400, "DUPLICATE_FIELD");
    }
    let many: Vec<String> = (0..5_000).map(|number| format!("\"k{number}\":1")).collect();
    refused(5, "twice among many", &prefixed(&format!("\"m\":{{{},\"k7\":1}},", many.join(","))), 400, "DUPLICATE_FIELD");
    for (depth, open, close) in [(32, "[", "]"), (10_000, "[", "]"), (100_000, "{\"a\":", "}"), (500_000, "[", "]")] {
        let nested = format!("\"m\":{}1{},", open.repeat(depth), close.repeat(depth));
        refused(6, &format!("{depth} deep"), &prefixed(&nested), 400, "JSON_TOO_DEEP");
    }
    refused(7, "too many values", &prefixed(&format!("\"m\":[{}1],", "[],".repeat(70_000))), 413, "BODY_TOO_LARGE");
    for bytes in [&b"{\"a\":\"\xff\"}"[..], b"{\"a\":\"\xc0\xaf\"}", b"{\"a\":\"\xed\xa0\x80\"}", b"{\"\xff\":1}", b"\xff\xfe{\0}\0"] {
        refused(11, "no UTF-8", bytes, 400, "INVALID_ENCODING");
    }
    refused(12, "a byte order mark", format!("\u{feff}{good}").as_bytes(), 400, "MALFORMED_JSON");
    rows.extend(unknown(door, &call));
    rows.extend(lengths(door, &call));
    rows.extend(headers(door, &call));
    rows.extend(keys(door, &call));
    rows
}

fn unknown(door: &Door, call: &impl Fn(&[u8]) -> Call) -> Vec<Row> {
    let mut names = vec![
        ("foo".to_owned(), "/foo".to_owned()),
        ("isAdmin".to_owned(), "/isAdmin".to_owned()),
        ("__proto__".to_owned(), "/__proto__".to_owned()),
        ("constructor".to_owned(), "/constructor".to_owned()),
        ("a/b~c".to_owned(), "/a~1b~0c".to_owned()),
        (String::new(), "/".to_owned()),
        ("x".repeat(500_000), format!("/{}…", "x".repeat(64))),
    ];
    // Whatever else the service decides: refused as well, be it by this name or as a name that nobody knows.
    let answers = ["total", "paid", "price", "discount", "unit_price", "customer_id", "role", "on_hand_qty", "reserved_qty"];
    let known = |name: &str| door.read_only.contains(&name) || door.fields.iter().any(|(pointer, _)| &pointer[1..] == name);
    names.extend(answers.iter().filter(|name| !known(name)).map(|name| ((*name).to_owned(), format!("/{name}"))));
    let rows = names.into_iter().map(|(name, pointer)| {
        let value = format!("\"{CANARY}\"");
        let body = format!("{{\"{name}\":{value},{}", &door.good[1..]).replace(",}", "}");
        let number = if answers.contains(&name.as_str()) { 16 } else { 15 };
        call(body.as_bytes()).row(number, &format!("unknown {name}"), Expected::field(door.form, pointer, "UNKNOWN_FIELD"))
    });
    rows.collect()
}

/// Lines 7 and 8: larger than a body may be, told in advance or not.
fn lengths(door: &Door, call: &impl Fn(&[u8]) -> Call) -> Vec<Row> {
    let too_large = || Expected::With("connection", "close", Box::new(Expected::refusal(door.form, 413, "BODY_TOO_LARGE")));
    let head = call(b"");
    let spaces = |bytes: usize| [door.good.as_bytes(), &vec![b' '; bytes - door.good.len()]].concat();
    let mut rows = vec![call(&spaces(BODY_BYTES_MAX + 1)).row(7, "a byte too many", too_large())];
    for length in [BODY_BYTES_MAX as u64 + 1, 1 << 40, u64::MAX / 4] {
        // Nothing of it is sent, and yet the answer comes.
        rows.push(head.sent(7, "a length alone", head.head(&format!("Content-Length: {length}\r\n")), too_large()));
    }
    let mut chunked = head.head("Transfer-Encoding: chunked\r\n");
    for _ in 0..20 {
        chunked.extend_from_slice(b"10000\r\n");
        chunked.extend_from_slice(&vec![b' '; 0x10000]);
        chunked.extend_from_slice(b"\r\n");
    }
    // It never ends.
    rows.push(head.sent(8, "chunks without end", chunked, too_large()));
    rows
}

fn headers(door: &Door, call: &impl Fn(&[u8]) -> Call) -> Vec<Row> {
    let mut rows = Vec::new();
    let good = call(door.good.as_bytes());
    let bare = good.clone().without("Content-Type");
    let media = Expected::refusal(door.form, 415, "UNSUPPORTED_MEDIA_TYPE");
    rows.push(bare.row(10, "no type", media.clone()));
    rows.push(good.clone().header("Content-Type", "application/json").row(10, "two types", media.clone()));
    let types = [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "text/json",
        "json",
        "",
        "application/json, text/plain",
        "application/jsonx",
        "*/*",
    ];
    for media_type in types {
        rows.push(bare.clone().header("Content-Type", media_type).row(10, media_type, media.clone()));
    }
    for charset in ["latin1", "ISO-8859-1", "utf-16", "\"utf-7\""] {
        let media_type = format!("application/json; charset={charset}");
        let expected = Expected::refusal(door.form, 400, "INVALID_ENCODING");
        rows.push(bare.clone().header("Content-Type", media_type.as_str()).row(11, &media_type, expected));
    }
    for encoding in ["gzip", "br", "deflate", "zstd", "gzip, identity", "identity, gzip", "x", ""] {
        let expected = Expected::refusal(door.form, 415, "UNSUPPORTED_ENCODING");
        let call = call(b"\x1f\x8b\x08\0\0\0\0\0\0\xff").header("Content-Encoding", encoding);
        rows.push(call.row(13, &format!("encoding {encoding}"), expected));
    }
    for accept in ["text/html", "application/json;q=0", "image/png, text/plain", "application/xml"] {
        let expected = Expected::refusal(door.form, 406, "NOT_ACCEPTABLE");
        rows.push(good.clone().header("Accept", accept).row(14, accept, expected));
    }
    rows
}

fn keys(door: &Door, call: &impl Fn(&[u8]) -> Call) -> Vec<Row> {
    let mut rows = Vec::new();
    if door.needs == Needs::Unkeyed {
        return rows;
    }
    let good = call(door.good.as_bytes()).without("Idempotency-Key");
    if door.needs.key() {
        rows.push(good.row(51, "no key", Expected::refusal(door.form, 400, "IDEMPOTENCY_KEY_REQUIRED")));
    }
    let invalid = || Expected::refusal(door.form, 400, "IDEMPOTENCY_KEY_INVALID");
    let long = "k".repeat(256);
    let keys: [&[u8]; 11] = [
        b"",
        b"\"\"",
        long.as_bytes(),
        b"a b",
        "schl\u{fc}ssel".as_bytes(),
        b"\xff\xfe",
        b"\"abc",
        b"\"a\"b",
        b"\"\\a\"",
        b"a\tb",
        b"\"a b\"",
    ];
    for key in keys {
        rows.push(good.clone().header("Idempotency-Key", key).row(52, &format!("key {}", String::from_utf8_lossy(key)), invalid()));
    }
    let two = good.clone().key("a").key("b");
    rows.push(two.row(52, "two keys", invalid()));
    rows.push(good.clone().key("a").key("a").row(52, "one key twice", invalid()));
    if door.needs == Needs::KeyAnywhere {
        for value in ["5", "\"\"", "\"a b\"", "{}", "true", "\"\\u0000\"", "\"é\""] {
            let body = with(door.good, "/idempotency_key", Some(value));
            rows.push(call(body.as_bytes()).without("Idempotency-Key").row(52, &format!("key in the body {value}"), invalid()));
        }
        let body = with(door.good, "/idempotency_key", Some("\"other\""));
        rows.push(call(body.as_bytes()).row(52, "two different keys", Expected::refusal(door.form, 400, "IDEMPOTENCY_KEY_MISMATCH")));
    }
    rows
}
