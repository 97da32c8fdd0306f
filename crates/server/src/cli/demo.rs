//! `ordo demo`: the service on a fresh embedded database, with something to look at.

use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use domain::catalog::{OfferStatus, SkuStatus};
use domain::command::{CancelOrder, CreateOffer, ItemRequest, MoveStock, PlaceOrder, PutSku, RequestPayment};
use domain::ids::OrderId;
use domain::money::{Currency, Decimal};
use domain::order::{AddressRef, Channel};
use domain::stock::{Operation, StockRef};
use engine::{Ask, Engine, Failure};
use rand::Rng as _;
use rand::rngs::SmallRng;

use super::{print, serve};
use crate::config::Config;
use crate::config::kinds::Database;

/// SKU, what people call it, cents, units at the start.
const CATALOGUE: &[(&str, &str, i64, i64)] = &[
    ("TEA-EARL-GREY", "Earl Grey, 100 g", 899, 500),
    ("TEA-SENCHA", "Sencha, 100 g", 1999, 300),
    ("POT-IRON", "Iron tea pot", 6450, 40),
    ("CUP-PORCELAIN", "Porcelain cup", 1250, 200),
    ("BOOK-OF-TEA", "The Book of Tea", 1490, 120),
    ("LAST-ONE", "Gold whisk, the last one", 24_900, 1),
];

/// How long simulated shoppers think between two orders, each.
const THINK_MS: std::ops::Range<u64> = 300..1500;
const SHOPPERS: u32 = 3;

/// Serves until stopped; the database goes with it.
pub(super) fn run(mut config: Config) -> ExitCode {
    let folder = std::env::temp_dir().join(format!("ordo-demo-{}", std::process::id()));
    config.database = Database::Sqlite(folder.join("ordo.db"));
    let code = serve::serve(&config, |service| {
        let (engine, url, folder) = (service.engine.clone(), format!("http://{}", service.address), folder.clone());
        let grpc = service.grpc_address;
        async move {
            match stock_the_shelves(&engine).await {
                Ok(()) => {
                    print(&welcome(&url, grpc, &folder));
                    shop(&engine).await;
                }
                Err(failure) => tracing::error!(%failure, "the demo could not be set up"),
            }
        }
    });
    if let Err(error) = std::fs::remove_dir_all(&folder)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        eprintln!("cannot remove {}: {error}", folder.display());
    }
    code
}

fn welcome(url: &str, grpc: SocketAddr, folder: &Path) -> String {
    let database = folder.join("ordo.db");
    format!(
        "
Ordo is serving a demo at {url}
  Three simulated shoppers buy tea. The database is {database} and goes when you stop (Ctrl-C).

  What is sold        curl -s {url}/api/v1/skus
  What it costs       curl -s {url}/api/v1/skus/TEA-SENCHA/current-offer
  What is left        curl -s {url}/api/v1/inventory/TEA-SENCHA
  Place an order      curl -s {url}/api/v1/orders -H 'Content-Type: application/json' -H 'Idempotency-Key: my-first-order' \\
                        -d '{{\"items\": [{{\"sku_id\": \"TEA-SENCHA\", \"qty\": 3, \"expected_unit_price\": 19.99}}], \"shipping_address_id\": \"home\"}}'
  Pay it              curl -s -X POST {url}/orders/ORDER_ID/confirm
  Cancel one          curl -s -X POST {url}/api/v1/orders/ORDER_ID/cancel
  Read it, its story  curl -s {url}/api/v1/orders/ORDER_ID   curl -s {url}/api/v1/orders/ORDER_ID/events
  Why it waits        curl -s {url}/api/v1/orders/ORDER_ID/why
  All orders          curl -s '{url}/api/v1/orders?status=PAID&limit=5'
  Health, measures    curl -s {url}/readyz   curl -s {url}/metrics
  Over gRPC           {grpc}, with reflection: grpcurl -plaintext {grpc} list
  Prove the books     ordo audit   (with ORDO_DATABASE=sqlite:{database})

",
        database = database.display()
    )
}

fn ask() -> Ask {
    Ask::of_worker("demo")
}

async fn stock_the_shelves(engine: &Engine) -> Result<(), Failure> {
    for (sku_id, name, price, units) in CATALOGUE {
        let sku = PutSku {
            sku_id: (*sku_id).into(),
            product_id: (*sku_id).into(),
            name: (*name).into(),
            status: SkuStatus::Active,
            tax_class: "standard".into(),
            title: None,
            author: None,
        };
        engine.submit(sku, ask()).await?;
        let offer = CreateOffer {
            sku_id: (*sku_id).into(),
            price: Decimal { mantissa: *price, scale: 2 },
            currency: Currency::USD,
            priority: 0,
            valid_from: None,
            valid_to: None,
            status: OfferStatus::Active,
        };
        engine.submit(offer, ask()).await?;
        restock(engine, sku_id, *units).await?;
    }
    Ok(())
}

async fn restock(engine: &Engine, sku_id: &str, qty: i64) -> Result<(), Failure> {
    let reference = StockRef { kind: "delivery".into(), id: "demo".into() };
    engine.submit(MoveStock { sku_id: sku_id.into(), operation: Operation::Restock, qty, reference }, ask()).await?;
    Ok(())
}

/// Shoppers order, pay, change their minds, are declined, or forget.
async fn shop(engine: &Engine) {
    let shoppers = (0..SHOPPERS).map(|number| {
        let engine = engine.clone();
        tokio::spawn(async move {
            let mut rng: SmallRng = rand::SeedableRng::seed_from_u64(u64::from(number));
            loop {
                tokio::time::sleep(Duration::from_millis(rng.random_range(THINK_MS))).await;
                if let Err(failure) = shop_once(&engine, number, &mut rng).await {
                    tracing::debug!(%failure, "a shopper goes away without an order");
                }
            }
        })
    });
    futures_util::future::join_all(shoppers).await;
}

async fn shop_once(engine: &Engine, shopper: u32, rng: &mut SmallRng) -> Result<(), Failure> {
    let (sku_id, ..) = CATALOGUE[rng.random_range(0..CATALOGUE.len())];
    let items = vec![ItemRequest { sku_id: sku_id.into(), qty: rng.random_range(1..=3), expected_unit_price: None, offer_id: None }];
    let order = PlaceOrder {
        channel: Channel::Canonical,
        user_id: Some(format!("shopper-{shopper}").into()),
        customer_email: None,
        cart_id: None,
        external_id: None,
        currency: None,
        items,
        shipping_address: AddressRef { id: Some("home".into()), snapshot: None },
        billing_address: AddressRef::default(),
        payment_method: None,
        notes: None,
        metadata: "{}".into(),
    };
    let placed = match engine.submit(order, ask()).await {
        Ok(done) => done.answer.order.order_id,
        Err(failure) => {
            if rng.random_bool(0.2) && sku_id != "LAST-ONE" {
                restock(engine, sku_id, 50).await?;
            }
            return Err(failure);
        }
    };
    go_on(engine, placed, rng).await
}

async fn go_on(engine: &Engine, order_id: OrderId, rng: &mut SmallRng) -> Result<(), Failure> {
    let within = Duration::from_secs(3);
    match rng.random_range(0..100) {
        0..75 => engine.pay(RequestPayment { order_id, method: Some("card_stub".into()) }, ask(), within).await.map(drop),
        75..82 => engine.pay(RequestPayment { order_id, method: Some("card_stub_decline".into()) }, ask(), within).await.map(drop),
        82..94 => {
            let command = CancelOrder { order_id, reason: Some("changed my mind".into()), notes: None };
            engine.cancel(command, ask(), within).await.map(drop)
        }
        _ => Ok(()),
    }
}
