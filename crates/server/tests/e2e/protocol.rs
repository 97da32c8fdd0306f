//! Whatever is sent, the answer is a problem that a program can read; and what operators look at.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::support::{Database, Http, Reply, Server, all_orders, cart, goods, metric, place, problem, stock};

on_each_database![
    what_the_framework_refuses_is_a_problem_too,
    all_broken_fields_are_told_at_once_with_their_pointers,
    an_unknown_name_is_answered_with_the_nearest_known_one,
    every_answer_has_a_request_id,
    operators_find_health_version_and_metrics,
    bytes_that_are_no_http_harm_nobody,
    odd_bodies_are_refused_and_never_a_fault,
    a_body_that_is_too_large_is_refused_and_ends_its_connection,
];

async fn what_the_framework_refuses_is_a_problem_too(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 10).await;
    let good = cart(&[("TEA", 1)]);
    let order_id = place(http, "k", &good).send().await.expect(201).string("order_id");

    for path in ["/", "/api/v1", "/api/v1/nothing", "/api/v1/orders/", "/apix", "/api/v1/orders/1/2/3", "//api/v1/orders"] {
        problem(&http.get(path).send().await, 404, "NOT_FOUND");
    }
    for (method, path, allowed) in [
        ("DELETE", "/api/v1/orders".to_owned(), &["GET", "POST"][..]),
        ("PUT", format!("/api/v1/orders/{order_id}"), &["GET"]),
        ("GET", format!("/api/v1/orders/{order_id}/cancel"), &["POST"]),
        ("POST", "/api/v1/skus/TEA".to_owned(), &["GET", "PUT"]),
        ("POST", "/readyz".to_owned(), &["GET"]),
        ("DELETE", "/api/v1/skus".to_owned(), &["GET"]),
    ] {
        let reply = http.request(method, &*path).send().await;
        problem(&reply, 405, "METHOD_NOT_ALLOWED");
        let told = reply.header("allow").unwrap_or_default();
        assert!(allowed.iter().all(|method| told.split(',').any(|other| other.trim() == *method)), "{method} {path}: Allow: {told}");
    }
    for (body, code) in [
        ("", "BODY_REQUIRED"),
        ("{", "MALFORMED_JSON"),
        ("[]", "MALFORMED_JSON"),
        ("null", "MALFORMED_JSON"),
        ("{\"items\": NaN}", "MALFORMED_JSON"),
        ("{\"a\": 1, \"a\": 2}", "DUPLICATE_FIELD"),
        ("{} {}", "MALFORMED_JSON"),
    ] {
        let reply = http.post("/api/v1/orders").key("k2").body("application/json", body).send().await;
        problem(&reply, 400, code);
    }
    let reply = http.post("/api/v1/orders").key("k2").body("application/json", b"{\"notes\": \"\xff\"}".to_vec()).send().await;
    problem(&reply, 400, "INVALID_ENCODING");
    for media_type in ["text/plain", "application/x-www-form-urlencoded", "application/xml"] {
        let reply = http.post("/api/v1/orders").key("k2").body(media_type, good.to_string()).send().await;
        problem(&reply, 415, "UNSUPPORTED_MEDIA_TYPE");
    }
    let reply = http.post("/api/v1/orders").key("k2").body("application/json; charset=latin1", good.to_string()).send().await;
    problem(&reply, 400, "INVALID_ENCODING");
    let reply = place(http, "k2", &good).header("Content-Encoding", "gzip").send().await;
    problem(&reply, 415, "UNSUPPORTED_ENCODING");
    let reply = http.get("/api/v1/orders").header("Accept", "text/html").send().await;
    problem(&reply, 406, "NOT_ACCEPTABLE");

    let reply = http.get(format!("/api/v1/orders?email={}", "a".repeat(9000))).send().await;
    problem(&reply, 414, "URI_TOO_LONG");

    for path in ["/api/v1/orders/42", "/api/v1/orders/67e55044-10b1-426f-9247-bb680e5fe0c8x", "/api/v1/orders/%00/events"] {
        problem(&http.get(path).send().await, 404, "NOT_FOUND");
    }
    problem(&http.get("/api/v1/orders/67e55044-10b1-426f-9247-bb680e5fe0c8").send().await, 404, "ORDER_NOT_FOUND");
    assert_eq!(all_orders(http, "").await.len(), 1);
}

/// `pointer code`, or `parameter code`, of every broken field.
fn broken(told: &Value) -> Vec<String> {
    let errors = told["errors"].as_array().unwrap_or_else(|| panic!("no errors in {told}"));
    let at = |error: &Value| error["pointer"].as_str().or(error["parameter"].as_str()).expect("a place").to_owned();
    errors.iter().map(|error| format!("{} {}", at(error), error["code"].as_str().expect("a code"))).collect()
}

async fn all_broken_fields_are_told_at_once_with_their_pointers(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    let body = json!({
        "customer_email": "nobody",
        "currency": "XXX",
        "total_amount": 5,
        "foo": 1,
        "items": [
            { "sku_id": "A", "qty": 0 },
            { "qty": 1_000_001 },
            { "sku_id": 5, "qty": "two", "expected_unit_price": -1 },
        ],
        "shipping_address": { "name": "x", "line1": "y", "city": "z", "country": "US" },
    });
    let reply = place(http, "k", &body).send().await;
    let told = problem(&reply, 422, "VALIDATION_FAILED");
    let told = broken(&told);
    for expected in [
        "/customer_email ",
        "/currency ",
        "/total_amount READ_ONLY_FIELD",
        "/foo UNKNOWN_FIELD",
        "/items/0/qty QUANTITY_OUT_OF_RANGE",
        "/items/1/sku_id REQUIRED",
        "/items/1/qty QUANTITY_OUT_OF_RANGE",
        "/items/2/sku_id ",
        "/items/2/qty ",
        "/items/2/expected_unit_price ",
        "/shipping_address/region REQUIRED",
        "/shipping_address/postal_code REQUIRED",
    ] {
        assert_eq!(told.iter().filter(|other| other.starts_with(expected)).count(), 1, "{expected} in {told:#?}");
    }
    assert_eq!(told.len(), 12, "{told:#?}");
    let lines: Vec<Value> = (0..501).map(|_| json!({ "sku_id": "A", "qty": 1 })).collect();
    let told = problem(&place(http, "k", &json!({ "items": lines })).send().await, 422, "VALIDATION_FAILED");
    assert!(broken(&told)[0].starts_with("/items "), "{told}");
    let told = problem(&place(http, "k", &json!({ "items": [] })).send().await, 422, "VALIDATION_FAILED");
    assert!(broken(&told)[0].starts_with("/items "), "{told}");
    assert_eq!(all_orders(http, "").await.len(), 0);
}

async fn an_unknown_name_is_answered_with_the_nearest_known_one(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 10).await;
    for (change, pointer, nearest) in [
        (json!({ "customerEmail": "a@b.example" }), "/customerEmail", "customer_email"),
        (json!({ "item": [] }), "/item", "items"),
        (json!({ "items": [{ "sku_id": "TEA", "qty": 1, "expected_price": 1 }] }), "/items/0/expected_price", "expected_unit_price"),
    ] {
        let mut body = cart(&[("TEA", 1)]);
        for (name, value) in change.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        let told = problem(&place(http, "k", &body).send().await, 422, "VALIDATION_FAILED");
        let error = &told["errors"][0];
        assert_eq!((&error["pointer"], &error["code"]), (&json!(pointer), &json!("UNKNOWN_FIELD")), "{told}");
        assert!(error["message"].as_str().is_some_and(|message| message.contains(nearest)), "{told}");
    }
    for (query, parameter, nearest) in [("statuss=PAID", "statuss", "status"), ("user=u", "user", "user"), ("form=x", "form", "from")] {
        let told = problem(&http.get(format!("/api/v1/orders?{query}")).send().await, 422, "INVALID_PARAMETER");
        let error = &told["errors"][0];
        assert_eq!((&error["parameter"], &error["code"]), (&json!(parameter), &json!("UNKNOWN_PARAMETER")), "{told}");
        assert!(error["message"].as_str().is_some_and(|message| message.contains(nearest)), "{told}");
    }
    for (query, status, code) in [
        ("limit=x", 422, "INVALID_PARAMETER"),
        ("status=GONE", 422, "INVALID_PARAMETER"),
        ("from=yesterday", 422, "INVALID_PARAMETER"),
        ("number=12", 422, "INVALID_PARAMETER"),
        ("email=nobody", 422, "INVALID_PARAMETER"),
        ("limit=1&limit=2", 400, "DUPLICATE_PARAMETER"),
        ("user_id=a&userId=b", 400, "DUPLICATE_PARAMETER"),
        ("user_id=%ff", 400, "INVALID_ENCODING"),
    ] {
        problem(&http.get(format!("/api/v1/orders?{query}")).send().await, status, code);
    }
}

async fn every_answer_has_a_request_id(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 10).await;
    let mut made = Vec::new();
    for request in [http.get("/livez"), http.get("/nothing"), http.get("/api/v1/orders"), place(http, "k", &cart(&[("TEA", 1)]))] {
        let sent = request.clone().header("X-Request-Id", "mine-1").send().await;
        assert_eq!(sent.header("x-request-id"), Some("mine-1"));
        let reply = request.send().await;
        made.push(reply.header("x-request-id").expect("one is made").to_owned());
        if reply.status >= 400 {
            problem(&reply, reply.status, "NOT_FOUND");
        }
    }
    made.sort();
    made.dedup();
    assert_eq!(made.len(), 4, "{made:?}");
    let reply = http.get("/nothing").header("X-Request-Id", "not one").send().await;
    assert_ne!(reply.header("x-request-id"), Some("not one"));
    let reply = http.get("/nothing").header("X-Request-Id", "seen").send().await;
    assert_eq!(problem(&reply, 404, "NOT_FOUND")["request_id"], "seen");
}

async fn operators_find_health_version_and_metrics(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    assert_eq!(http.get("/livez").send().await.expect(200).string("status"), "alive");
    assert_eq!(http.get("/readyz").send().await.expect(200).string("status"), "ready");
    assert_eq!(http.get("/version").send().await.expect(200).string("name"), "ordo");
    goods(http, "TEA", 3).await;
    let order_id = place(http, "k", &cart(&[("TEA", 1)])).send().await.expect(201).string("order_id");
    place(http, "k", &cart(&[("TEA", 1)])).send().await.expect(200);
    place(http, "l", &cart(&[("TEA", 9)])).send().await.expect(409);
    let dear = json!({ "items": [{ "sku_id": "TEA", "qty": 1, "expected_unit_price": 1 }] });
    place(http, "m", &dear).send().await.expect(409);
    place(http, "n", &cart(&[("NONE", 1)])).send().await.expect(422);
    http.post(format!("/api/v1/orders/{order_id}/cancel")).send().await.expect(200);
    let paid = place(http, "o", &cart(&[("TEA", 1)])).send().await.expect(201).string("order_id");
    http.post(format!("/orders/{paid}/confirm")).send().await.expect(200);
    http.post(format!("/api/v1/orders/{paid}/cancel")).send().await.expect(409);
    for (line, expected) in [
        ("order_create_total{status=\"created\"}", 2.0),
        ("order_create_total{status=\"replayed\"}", 1.0),
        ("order_create_total{status=\"out_of_stock\"}", 1.0),
        ("order_create_total{status=\"price_changed\"}", 1.0),
        ("order_create_total{status=\"refused\"}", 1.0),
        ("order_cancel_total{status=\"canceled\"}", 1.0),
        ("order_cancel_total{status=\"refused\"}", 1.0),
        ("order_price_changed_total", 1.0),
        ("order_out_of_stock_total", 1.0),
        ("order_idempotent_hit_total", 1.0),
        ("payment_create_total{status=\"created\"}", 1.0),
        ("payment_capture_total{status=\"captured\"}", 1.0),
        ("http_request_seconds_count{route=\"/api/v1/orders\",method=\"POST\",status=\"201\"}", 2.0),
    ] {
        let counted = metric(http, line).await;
        assert!((counted - expected).abs() < f64::EPSILON, "{line} is {counted}, not {expected}");
    }
    let text = http.get("/metrics").send().await.expect(200);
    assert!(text.header("content-type").is_some_and(|kind| kind.starts_with("text/plain")));
    for name in ["inventory_reserve_total{", "outbox_pending ", "command_seconds_bucket{", "commit_batch_size_bucket{"] {
        assert!(text.text().lines().any(|line| line.starts_with(name)), "no {name} in {}", text.text());
    }
    assert!(!text.text().contains(&order_id), "an id is no label");
}

async fn bytes_that_are_no_http_harm_nobody(database: &Database) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let server = Server::on(database).await;
    let http = &server.http;
    let many = (0..200).fold(String::new(), |mut text, number| {
        write!(text, "X-{number}: y\r\n").expect("a String takes any text");
        text
    });
    for bytes in [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
        b"GET / HTTP/9.9\r\n\r\n".to_vec(),
        b"GET /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n".to_vec(),
        b"POST /api/v1/orders HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n".to_vec(),
        format!("GET /livez HTTP/1.1\r\nHost: x\r\n{many}\r\n").into_bytes(),
        format!("GET /livez HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "y".repeat(100_000)).into_bytes(),
    ] {
        let mut stream = tokio::net::TcpStream::connect(http.address()).await.expect("it listens");
        // It may close before all is sent.
        let _sent = stream.write_all(&bytes).await;
        let _shut = stream.shutdown().await;
        let mut answer = Vec::new();
        let ended = tokio::time::timeout(std::time::Duration::from_secs(12), stream.read_to_end(&mut answer)).await;
        assert!(ended.is_ok(), "the connection is still open");
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
        http.get("/livez").send().await.expect(200);
    }
}

async fn a_body_that_is_too_large_is_refused_and_ends_its_connection(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    let spaces = " ".repeat(2 * 1024 * 1024);
    let reply = http.post("/api/v1/orders").key("k").body("application/json", spaces).send().await;
    problem(&reply, 413, "BODY_TOO_LARGE");
    // What was not read stays in the way of the next request: a client that is not told sends that one into a reset.
    assert_eq!(reply.header("connection"), Some("close"));
    http.get("/livez").send().await.expect(200);
    // One byte more than allowed, and exactly as much.
    let good = cart(&[("TEA", 1)]).to_string();
    let padded = |bytes: usize| format!("{good}{}", " ".repeat(bytes - good.len()));
    let reply = http.post("/api/v1/orders").key("k").body("application/json", padded(1024 * 1024 + 1)).send().await;
    problem(&reply, 413, "BODY_TOO_LARGE");
    goods(http, "TEA", 1).await;
    http.post("/api/v1/orders").key("k").body("application/json", padded(1024 * 1024)).send().await.expect(201);
}

/// Refused with 4xx as a problem, whatever was wrong with it.
fn is_refused(reply: &Reply, sent: &str) {
    let shown = &sent[..sent.len().min(80)];
    assert!((400..500).contains(&reply.status), "{shown} was answered {}: {}", reply.status, reply.text());
    assert_eq!(reply.header("content-type"), Some("application/problem+json"), "{shown}");
}

async fn post(http: &Http, body: &str) -> Reply {
    http.post("/api/v1/orders").key("odd").body("application/json", body).send().await
}

async fn odd_bodies_are_refused_and_never_a_fault(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 10).await;
    let deep = format!("{{\"metadata\":{}1{},\"items\":[]}}", "[".repeat(5000), "]".repeat(5000));
    let item = |item: &str| format!("{{\"items\":[{{\"sku_id\":\"TEA\",\"qty\":1,{item}}}]}}");
    let quantity = |qty: &str| format!("{{\"items\":[{{\"sku_id\":\"TEA\",\"qty\":{qty}}}]}}");
    let mut odd = vec![deep, "\u{feff}{}".to_owned(), "\"items\"".to_owned(), "{\"items\":{\"0\":1}}".to_owned(), "{\"\":\"\"}".to_owned()];
    odd.extend(["1.5", "-1", "1e3", "true", "\"\"", "99999999999999999999999", "null", "[1]", "0x1"].map(quantity));
    odd.extend(
        ["1e400", "1E2", "\"1,000.00\"", "\"NaN\"", "-0.01", "12345678901234567890.12", "\"\"", "true"]
            .map(|price| item(&format!("\"expected_unit_price\":{price}"))),
    );
    odd.extend(["\"\\u0000\"", "\"\\ud800\"", "\"42\"", "{}"].map(|id| item(&format!("\"offer_id\":{id}"))));
    odd.push("{\"items\":[{\"sku_id\":\"a\\u0000b\",\"qty\":1}]}".to_owned());
    odd.push(format!("{{\"items\":[{{\"sku_id\":\"{}\",\"qty\":1}}]}}", "s".repeat(100_000)));
    odd.push(format!("{{\"notes\":\"{}\",\"items\":[{{\"sku_id\":\"TEA\",\"qty\":1}}]}}", "n".repeat(2001)));
    odd.push("{\"notes\":\"a\\u0000b\",\"items\":[{\"sku_id\":\"TEA\",\"qty\":1}]}".to_owned());
    odd.push("{\"metadata\":\"text\",\"items\":[{\"sku_id\":\"TEA\",\"qty\":1}]}".to_owned());
    for body in &odd {
        is_refused(&post(http, body).await, body);
    }
    assert_eq!(stock(http, "TEA").await, (10, 0));
    // What looks odd and is not.
    let fine = "{\"notes\":\"\\u202e Ω 💶 '; drop table orders; --\",\"metadata\":{\"$where\":[null,{}]},\"items\":[{\"sku_id\":\"TEA\",\"qty\":1,\"expected_unit_price\":\"10\"}]}";
    let order = post(http, fine).await.expect(201).json();
    assert_eq!(order["notes"], "\u{202e} Ω 💶 '; drop table orders; --");
    assert_eq!(order["metadata"], json!({ "$where": [null, {}] }));
}
