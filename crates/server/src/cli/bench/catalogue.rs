//! Makes sure that there is something to buy: SKUs with one offer and more stock than a run sells.

use std::cell::Cell;
use std::rc::Rc;

use tokio::task::JoinSet;

use super::BenchError;
use super::connection::Connection;
use super::order;
use super::target::Target;

/// Pieces that a restock adds.
const RESTOCK_QTY: u32 = 1_000_000;

/// Pieces that are enough for a run: at 20,000 a second of one SKU, 25 seconds.
const ENOUGH_QTY: u64 = 500_000;

/// More connections than this prepare nothing faster.
const CONNECTIONS_MAX: u16 = 16;

/// The longest part of a refusal that is repeated, in bytes.
const BODY_BYTES_SHOWN_MAX: usize = 300;

/// Brings SKUs 1 to `skus` into being, those that are not there yet.
pub(crate) async fn prepare(target: &Target, skus: u32, connections: u16, progress: bool) -> Result<(), BenchError> {
    let next = Rc::new(Cell::new(1));
    let mut tasks = JoinSet::new();
    for _ in 0..connections.min(CONNECTIONS_MAX) {
        let (target, next) = (target.clone(), Rc::clone(&next));
        tasks.spawn_local(async move {
            let mut connection = Connection::to(target.address);
            loop {
                let number = next.get();
                if number > skus {
                    return Ok(());
                }
                next.set(number + 1);
                if progress && number.is_multiple_of(50) {
                    eprint!("\rpreparing the catalogue: {number} of {skus} ");
                }
                prepare_one(&target, &mut connection, &order::sku(number)).await?;
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.expect("preparing does not panic")?;
    }
    if progress {
        eprint!("\r\x1b[K");
    }
    Ok(())
}

async fn prepare_one(target: &Target, connection: &mut Connection, sku: &str) -> Result<(), BenchError> {
    let stock_path = format!("/api/v1/inventory/{sku}");
    let (on_hand, available) = stock(target, connection, &stock_path).await?;
    if available >= ENOUGH_QTY {
        return Ok(());
    }
    // Stock comes last: where there is some, SKU and offer are too.
    if on_hand == 0 {
        let sku_body = format!(r#"{{"product_id":"product-{sku}","name":"Article {sku}","status":"ACTIVE"}}"#);
        send(target, connection, "PUT", &format!("/api/v1/skus/{sku}"), &sku_body).await?;
        let offer_body = format!(r#"{{"sku_id":"{sku}","price":10.00,"currency":"USD"}}"#);
        send(target, connection, "POST", "/api/v1/offers", &offer_body).await?;
    }
    let key = uuid::Builder::from_random_bytes(rand::random()).into_uuid();
    let restock_body = format!(r#"{{"qty":{RESTOCK_QTY},"idempotency_key":"{key}"}}"#);
    send(target, connection, "POST", &format!("{stock_path}/restock"), &restock_body).await
}

/// On hand and available; zeros where nobody knows the SKU.
async fn stock(target: &Target, connection: &mut Connection, path: &str) -> Result<(u64, u64), BenchError> {
    let request = format!("GET {}{path} HTTP/1.1\r\nHost: {}\r\n\r\n", target.base, target.host);
    let reply = connection.exchange(request.as_bytes()).await.map_err(|source| BenchError::Away { address: target.address, source })?;
    let stock: serde_json::Value = serde_json::from_slice(reply.body).unwrap_or_default();
    match reply.status {
        200 => Ok((stock["on_hand_qty"].as_u64().unwrap_or(0), stock["available_qty"].as_u64().unwrap_or(0))),
        404 => Ok((0, 0)),
        status => Err(refused("GET", path, status, reply.body)),
    }
}

async fn send(target: &Target, connection: &mut Connection, method: &str, path: &str, body: &str) -> Result<(), BenchError> {
    let request = format!(
        "{method} {}{path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        target.base,
        target.host,
        body.len()
    );
    let reply = connection.exchange(request.as_bytes()).await.map_err(|source| BenchError::Away { address: target.address, source })?;
    if (200..300).contains(&reply.status) { Ok(()) } else { Err(refused(method, path, reply.status, reply.body)) }
}

fn refused(method: &str, path: &str, status: u16, body: &[u8]) -> BenchError {
    BenchError::Refused { request: format!("{method} {path}"), status, body: beginning(body) }
}

/// As much of a body as fits a message.
pub(crate) fn beginning(body: &[u8]) -> String {
    String::from_utf8_lossy(body.get(..BODY_BYTES_SHOWN_MAX).unwrap_or(body)).into_owned()
}
