//! What is wrong with an address, a query, a method, or the bytes of a head.

use std::fmt::Write as _;

use super::doors::{CANARY, DOORS, READERS, Reader};
use super::fields::Kind;
use super::row::Form::{self, Details, Tickets};
use super::row::{Call, Expected, Row};

/// Every line of the catalogue about the head of a request. `at` fills in the ids of the shop.
pub(super) fn rows(at: impl Fn(&str) -> String) -> Vec<Row> {
    let mut rows: Vec<Row> = READERS.iter().flat_map(|reader| query(reader, &at(reader.path))).collect();
    rows.extend(paths());
    rows.extend(methods(&at));
    rows.extend(wire(&at));
    rows
}

/// As it stands in a query.
fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").expect("a String takes any text");
        }
        out
    })
}

fn query(reader: &Reader, path: &str) -> Vec<Row> {
    let form = reader.form;
    let mut rows = Vec::new();
    let mut row = |number: u8, query: &str, expected: Expected| {
        rows.push(Call::new("GET", &format!("{path}?{query}")).row(number, query, expected));
    };
    for query in
        ["total_amount=1", "sort=total;drop%20table%20orders", "lang=%27--", "items.sku_id=TEA", "user_id%5B%24ne%5D=x", "foo", "=x"]
    {
        let name = match query.split('=').next().unwrap_or_default() {
            "user_id%5B%24ne%5D" => "user_id[$ne]",
            name => name,
        };
        row(68, &format!("{}&{query}", reader.always), Expected::parameter(name, "UNKNOWN_PARAMETER", form));
    }
    for query in ["x=1&x=2", "x=1&%78=2"] {
        row(69, query, Expected::refusal(form, 400, "DUPLICATE_PARAMETER"));
    }
    for query in ["x=%ff", "%ff=1", "x=%", "x=%4", "x=%zz"] {
        row(11, query, Expected::refusal(form, 400, "INVALID_ENCODING"));
    }
    let many: Vec<String> = (0..65).map(|number| format!("p{number}=1")).collect();
    row(70, &many.join("&"), Expected::refusal(form, 422, "INVALID_PARAMETER"));
    row(50, &format!("x={CANARY}{}", "y".repeat(9_000)), Expected::refusal(form, 414, "URI_TOO_LONG"));
    if reader.is_list {
        for (limit, code) in [
            ("0", "PAGE_SIZE_OUT_OF_RANGE"),
            ("-1", "PAGE_SIZE_OUT_OF_RANGE"),
            ("201", "PAGE_SIZE_OUT_OF_RANGE"),
            ("1000000000", "PAGE_SIZE_OUT_OF_RANGE"),
            ("99999999999999999999999", "PAGE_SIZE_OUT_OF_RANGE"),
            ("", "INVALID_TYPE"),
            ("1.0", "INVALID_TYPE"),
            ("1e1", "INVALID_TYPE"),
            ("%2B1", "INVALID_TYPE"),
            ("+1", "INVALID_TYPE"),
            ("0x10", "INVALID_TYPE"),
            ("many", "INVALID_TYPE"),
            ("%D9%A5", "INVALID_TYPE"),
            ("1%00", "INVALID_TYPE"),
        ] {
            row(67, &format!("limit={limit}"), Expected::parameter("limit", code, form));
        }
        row(69, "limit=1&limit=1", Expected::refusal(form, 400, "DUPLICATE_PARAMETER"));
        let forged = "A".repeat(40);
        for cursor in ["x", "AAAA", "%00", "..%2F", &forged, "%27%3B--", "1ff"] {
            row(67, &format!("cursor={cursor}"), Expected::refusal(form, 400, "INVALID_CURSOR"));
        }
    }
    for (name, kind) in reader.parameters {
        for (number, value, code) in texts_of(*kind) {
            let expected = Expected::parameter(*name, code, form);
            row(number, &format!("{name}={}", escaped(&value)), expected);
        }
        row(69, &format!("{name}=a&{name}=a"), Expected::refusal(form, 400, "DUPLICATE_PARAMETER"));
    }
    rows
}

/// Wrong values that fit into a query and into the 8 KiB of an address.
fn texts_of(kind: Kind) -> Vec<(u8, String, &'static str)> {
    let texts = kind.bad().into_iter().filter_map(|(number, value, code)| {
        let text: String = serde_json::from_str(&value).ok()?;
        (code != "INVALID_TYPE" && escaped(&text).len() < 7_000 && !text.is_empty()).then_some((number, text, code))
    });
    texts.collect()
}

fn paths() -> Vec<Row> {
    let mut rows = Vec::new();
    let long = "a".repeat(5_000);
    let ids = [
        "42",
        "..%2f..%2fetc%2fpasswd",
        "%2e%2e%2f",
        "%00",
        "%ff",
        "%",
        "%zz",
        "67e55044-10b1-426f-9247-bb680e5fe0c8x",
        "67e5504410b1426f9247bb680e5fe0c8",
        "%7B67e55044-10b1-426f-9247-bb680e5fe0c8%7D",
        "67e55044-10b1-426f-9247-bb680e5fe0c8%00",
        "'%3Bdrop%20table%20orders--",
        &long,
    ];
    let unknown = "67e55044-10b1-426f-9247-bb680e5fe0c8";
    let event = r#"{"event_type":"payment.failed","event_id":"x"}"#;
    for (method, path, body, form, code) in [
        ("GET", "/api/v1/orders/{id}", "", Details, "ORDER_NOT_FOUND"),
        ("PATCH", "/api/v1/orders/{id}", r#"{"notes":"n"}"#, Details, "ORDER_NOT_FOUND"),
        ("GET", "/api/v1/orders/{id}/events", "", Details, "ORDER_NOT_FOUND"),
        ("GET", "/api/v1/orders/{id}/stream", "", Details, "ORDER_NOT_FOUND"),
        ("GET", "/api/v1/orders/{id}/why", "", Details, "ORDER_NOT_FOUND"),
        ("POST", "/api/v1/orders/{id}/cancel", "", Details, "ORDER_NOT_FOUND"),
        ("PATCH", "/api/v1/offers/{id}", "{}", Details, "OFFER_NOT_FOUND"),
        ("PATCH", "/api/v1/cart/items/{id}", r#"{"qty":1}"#, Details, "CART_ITEM_NOT_FOUND"),
        ("DELETE", "/api/v1/cart/items/{id}", "", Details, "CART_ITEM_NOT_FOUND"),
        ("GET", "/api/v1/payments/{id}", "", Details, "PAYMENT_NOT_FOUND"),
        ("POST", "/api/v1/payments/{id}/mock/complete", r#"{"result":"FAIL"}"#, Details, "PAYMENT_NOT_FOUND"),
        ("POST", "/api/v1/payments/{id}/collect", "", Details, "PAYMENT_NOT_FOUND"),
        ("GET", "/api/v1/refunds/{id}", "", Details, "REFUND_NOT_FOUND"),
        ("POST", "/internal/orders/{id}/events", event, Details, "ORDER_NOT_FOUND"),
        ("GET", "/api/orders/{id}", "", Details, "ORDER_NOT_FOUND"),
        ("GET", "/api/orders/{id}/tracking", "", Details, "ORDER_NOT_FOUND"),
        ("PUT", "/api/orders/{id}/status", r#"{"status":"PROCESSING"}"#, Details, "ORDER_NOT_FOUND"),
        ("POST", "/api/orders/{id}/cancel", "", Details, "ORDER_NOT_FOUND"),
        ("GET", "/orders/{id}", "", Tickets, "ORDER_NOT_FOUND"),
        ("POST", "/orders/{id}/confirm", "", Tickets, "ORDER_NOT_FOUND"),
        ("POST", "/orders/{id}/cancel", "", Tickets, "ORDER_NOT_FOUND"),
    ] {
        let call = |id: &str| Call::new(method, &path.replace("{id}", id)).json(body);
        rows.extend(ids.iter().map(|id| call(id).row(46, id, Expected::refusal(form, 404, "NOT_FOUND"))));
        for unknown in [unknown.to_owned(), unknown.to_uppercase(), "00000000-0000-0000-0000-000000000000".to_owned()] {
            rows.push(call(&unknown).row(46, "an id of nothing", Expected::refusal(form, 404, code)));
        }
    }
    let names = ["%00", "a%00b", "%0d%0aX:y", "%20a", "a%20", "%ff", "%1b%5b31m", &"x".repeat(101), &"%F0%9F%98%80".repeat(101), &long];
    for (method, path, body) in [
        ("GET", "/api/v1/skus/{id}", ""),
        ("PUT", "/api/v1/skus/{id}", r#"{"product_id":"p","name":"n"}"#),
        ("GET", "/api/v1/skus/{id}/offers", ""),
        ("GET", "/api/v1/skus/{id}/current-offer", ""),
        ("GET", "/api/v1/inventory/{id}", ""),
        ("POST", "/api/v1/inventory/{id}/restock", r#"{"qty":1}"#),
    ] {
        let call = |id: &str| Call::new(method, &path.replace("{id}", id)).json(body);
        rows.extend(names.iter().map(|name| call(name).row(46, name, Expected::refusal(Details, 404, "NOT_FOUND"))));
        if method == "GET" || path.contains("restock") {
            for name in [CANARY, "%3Cscript%3Ecanary7f3e", "..%2f..%2f", "'%3Bdrop%20table%20orders--", "%E2%80%AE"] {
                rows.push(call(name).row(46, name, Expected::refusal(Details, 404, "SKU_NOT_FOUND")));
            }
        }
    }
    for operation in ["x", "RESERVE", "reserve%00", "..%2f", CANARY] {
        let call = Call::new("POST", &format!("/api/v1/inventory/TEA/{operation}")).json(r#"{"qty":1}"#);
        rows.push(call.row(46, operation, Expected::refusal(Details, 404, "NOT_FOUND")));
    }
    for path in [
        "/",
        "/api",
        "/api/v1",
        "/api/v1/canary7f3e",
        "/api/v2/orders",
        "/API/v1/orders",
        "/api/v1/orders/",
        "//api/v1/orders",
        "/api//v1/orders",
        "/api/v1/orders/../skus",
        "/api/v1/orders/%2e%2e/skus/TEA/x/y",
        "/../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/api/v1/orders;x=y",
        "/api/v1/orders%2F",
        "/.env",
        "/admin",
        "http://shop.example/nothing",
        "*",
    ] {
        rows.push(Call::new("GET", path).row(47, path, Expected::refusal(Details, 404, "NOT_FOUND")));
    }
    rows.push(Call::new("GET", "/orders/1/2/3").row(47, "no route of this door", Expected::refusal(Tickets, 404, "NOT_FOUND")));
    rows
}

fn form_of(path: &str) -> Form {
    if path.starts_with("/orders") { Tickets } else { Details }
}

fn methods(at: &impl Fn(&str) -> String) -> Vec<Row> {
    let mut known: Vec<(&str, &str)> = DOORS.iter().map(|door| (door.method, door.path)).collect();
    known.extend(READERS.iter().map(|reader| ("GET", reader.path)));
    known.extend(["/api/v1/cart/items", "/api/v1/cart/items/{line}"].map(|path| ("DELETE", path)));
    known.extend(["/livez", "/readyz", "/version"].map(|path| ("GET", path)));
    let mut rows = Vec::new();
    for (_, path) in &known {
        // A path of another door may have the same route: `/skus/NEW` is `/skus/TEA`.
        let same = |other: &str| other == *path || route(other) == route(path);
        let allowed: Vec<&str> = known.iter().filter(|(_, other)| same(other)).map(|(method, _)| *method).collect();
        let path = at(path);
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get"] {
            if allowed.contains(&method) {
                continue;
            }
            let number = if matches!(method, "TRACE" | "CONNECT") { 48 } else { 47 };
            let refused = Expected::refusal(form_of(&path), 405, "METHOD_NOT_ALLOWED");
            let expected = Expected::With("allow", allowed[0], Box::new(refused));
            rows.push(Call::new(method, &path).row(number, method, expected));
        }
    }
    for target in ["shop.example:443", "127.0.0.1:22"] {
        rows.push(Call::new("CONNECT", target).row(48, target, Expected::refusal(Details, 405, "METHOD_NOT_ALLOWED")));
    }
    for path in ["/", "/nothing", "*"] {
        rows.push(Call::new("TRACE", path).row(48, path, Expected::refusal(Details, 405, "METHOD_NOT_ALLOWED")));
    }
    rows
}

/// The route of a path whose ids are filled in.
fn route(path: &str) -> String {
    path.replace("/NEW", "/TEA").replace("{other_ticket}", "{ticket}")
}

/// Line 9, 49 and what else is no HTTP: bytes that no client would send.
fn wire(at: &impl Fn(&str) -> String) -> Vec<Row> {
    let mut rows = Vec::new();
    let good = Call::new("POST", "/api/v1/orders").key("wire").json("");
    let plain = good.clone().without("Content-Length");
    let library = || Expected::Library(&[400]);
    for (what, lines) in [
        ("two lengths", "Content-Length: 2\r\nContent-Length: 3\r\n"),
        ("a length below zero", "Content-Length: -1\r\n"),
        ("a length with a sign", "Content-Length: +2\r\n"),
        ("a length that is no number", "Content-Length: 2x\r\n"),
        ("a length without end", "Content-Length: 123456789012345678901234567890\r\n"),
        ("two lengths in one", "Content-Length: 2, 3\r\n"),
        ("an unknown coding", "Transfer-Encoding: gzip\r\n"),
        ("chunked not last", "Transfer-Encoding: chunked, gzip\r\n"),
        ("a blank before the colon", "Content-Length : 2\r\n"),
    ] {
        rows.push(plain.sent(9, what, [&plain.head(lines)[..], b"{}"].concat(), library()));
    }
    for chunks in ["zz\r\n{}\r\n0\r\n\r\n", "-2\r\n{}\r\n0\r\n\r\n", "2\r\n{}x0\r\n\r\n", "fffffffffffffffff\r\n{}", "2;\n{}\r\n0\r\n\r\n"]
    {
        let bytes = [&plain.head("Transfer-Encoding: chunked\r\n")[..], chunks.as_bytes()].concat();
        rows.push(plain.sent(9, chunks, bytes, Expected::refusal(Details, 400, "MALFORMED_JSON")));
    }
    for (what, lines) in [
        ("a name with a blank", "X Y: 1\r\n"),
        ("no name", ": 1\r\n"),
        ("no colon", "X\r\n"),
        ("a control character in a name", "X\u{1}: 1\r\n"),
        ("a control character in a value", "X: a\u{1}b\r\n"),
        ("U+0000 in a value", "X: a\0b\r\n"),
        ("a bare CR in a value", "X: a\rSet-Cookie: b\r\n"),
        ("a folded line", "X: a\r\n b\r\n"),
    ] {
        rows.push(plain.sent(49, what, plain.head(lines), library()));
    }
    let many = (0..200).fold(String::new(), |mut text, number| {
        write!(text, "X-{number}: y\r\n").expect("a String takes any text");
        text
    });
    rows.push(plain.sent(49, "200 fields", plain.head(&many), Expected::Library(&[431])));
    for bytes in [40 * 1024, 10 * 1024 * 1024] {
        let lines = format!("X: {}\r\n", "y".repeat(bytes));
        rows.push(plain.sent(49, "a field too large", plain.head(&lines), Expected::Library(&[431])));
    }
    let large = Expected::With("connection", "close", Box::new(Expected::refusal(Details, 431, "HEADER_TOO_LARGE")));
    rows.push(plain.clone().header("X", "y".repeat(17 * 1024)).row(49, "a field too large", large.clone()));
    let ninety = (0..90).fold(plain.clone(), |call, number| call.header(&format!("X-{number}"), "y".repeat(200)));
    rows.push(ninety.row(49, "many fields too large", large));
    let long = Call::new("GET", &format!("/api/v1/orders?x={}", "y".repeat(100_000)));
    rows.push(long.row(50, "an address larger than a head", Expected::Library(&[414, 431])));
    let tls = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec();
    for (number, what, bytes) in [
        (9, "TLS", tls),
        (9, "a version of the future", b"GET / HTTP/9.9\r\n\r\n".to_vec()),
        (9, "no version", b"GET /\r\n\r\n".to_vec()),
        (9, "a blank too many", b"GET  / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec()),
        (9, "no method", b"/ HTTP/1.1\r\n\r\n".to_vec()),
        (9, "U+0000 in the address", b"GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n".to_vec()),
        (76, "the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec()),
    ] {
        rows.push(plain.sent(number, what, bytes, library()));
    }
    for (what, lines) in
        [("no host", ""), ("two hosts", "Host: a.example\r\nHost: b.example\r\n"), ("a host that is none", "Host: a b/c\r\n")]
    {
        let call = Call::new("GET", &at("/api/v1/orders/{order}")).without("Host");
        let expected = Expected::With("connection", "close", Box::new(Expected::refusal(Details, 400, "BAD_REQUEST_FRAMING")));
        rows.push(call.sent(9, what, call.head(lines), expected));
    }
    rows
}
