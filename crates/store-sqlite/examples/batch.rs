//! Measures load and save of batches of typical orders, as the engine's writer calls them: two lines, a key, 1000 SKUs.
//!
//! `cargo run --release -p store-sqlite --example batch -- [seconds a batch size]`
#![expect(clippy::print_stdout, reason = "the measure is its output")]

#[path = "../tests/sqlite_store/support.rs"]
#[expect(dead_code, reason = "the tests use the rest")]
mod support;

use std::time::{Duration, Instant};

use domain::Needs;
use domain::command::{Context, PlaceOrder};
use domain::order::AddressRef;
use engine::port::{Mark, Store as _, SystemClock};
use support::{Batch, Desk, Folder, needs, store};
use testkit::builders::{context, keyed, offer, place, restock, sku};

const SKUS: u32 = 1000;

fn sku_id(n: u32) -> String {
    format!("SKU-{:05}", n % SKUS)
}

fn order() -> (PlaceOrder, Context) {
    let mut order =
        place().line(&sku_id(rand::random()), 1).expecting(1999).line(&sku_id(rand::random()), 2).expecting(1999).by("user-42").0;
    order.customer_email = Some("ada@example.com".into());
    order.shipping_address = AddressRef {
        id: None,
        snapshot: Some(
            r#"{"name":"Ada Lovelace","line1":"12 St James's Square","city":"London","postal_code":"SW1Y 4JH","country":"GB"}"#.into(),
        ),
    };
    order.payment_method = Some("card_stub".into());
    let cx = context(&SystemClock);
    let key = format!("{:032x}", rand::random::<u128>());
    (order, keyed::<PlaceOrder>(cx, &key))
}

/// Time on a processor, without that of others: what a busy machine cannot blur. Nothing where there is no `/proc`.
fn on_cpu() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(text.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or(0))
}

fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    sorted[(sorted.len() - 1) * percent / 100]
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let seconds = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(3);
    let folder = Folder::fresh();
    let store = store(&folder.file()).await;
    let mut desk = Desk::of(&store).await;
    let mut batch = Batch::default();
    for n in 0..SKUS {
        let id = sku_id(n);
        desk.decide(&sku(&id), &context(&SystemClock), &mut batch).await;
        desk.decide(&offer(&id, 1999), &context(&SystemClock), &mut batch).await;
        desk.decide(&restock(&id, 1_000_000_000), &context(&SystemClock), &mut batch).await;
    }
    desk.session.save(&batch.changes, Mark(context(&SystemClock).mint.id(0))).await.expect("the disk has room");
    drop(desk);
    let mut session = store.session().await.expect("the store works");
    println!(
        "{:>6} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}",
        "batch", "orders/s", "load µs", "decide µs", "save µs", "l+s µs", "cpu µs", "save p50", "save p99", "save max"
    );
    let sizes: Vec<usize> = std::env::args()
        .nth(2)
        .map_or(vec![1, 8, 32, 128, 256], |text| text.split(',').map(|size| size.parse().expect("a number")).collect());
    for size in sizes {
        let (mut load, mut decide, mut cpu, mut saves) = (Duration::ZERO, Duration::ZERO, Duration::ZERO, Vec::new());
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(seconds) {
            let commands: Vec<_> = (0..size).map(|_| order()).collect();
            let mut batch = Batch::default();
            let mut wanted = Needs::default();
            for (command, cx) in &commands {
                needs(command, cx, &batch.seen, &mut wanted);
            }
            let cpu_before = on_cpu();
            let at = Instant::now();
            session.load(&wanted, &mut batch.seen).await.expect("the store works");
            load += at.elapsed();
            let at = Instant::now();
            batch.seen.settle(&wanted);
            for (command, cx) in &commands {
                batch.decide(command, cx).expect("there is stock for all");
            }
            decide += at.elapsed();
            let at = Instant::now();
            session.save(&batch.changes, Mark(commands[0].1.mint.id(4095))).await.expect("the store works");
            session.durable().await.expect("the disk works");
            saves.push(at.elapsed());
            cpu += on_cpu().saturating_sub(cpu_before);
        }
        saves.sort();
        let orders = u32::try_from(saves.len() * size).expect("a few seconds");
        let save: Duration = saves.iter().sum();
        let each = |time: Duration| time.as_secs_f64() * 1e6 / f64::from(orders);
        println!(
            "{size:>6} {:>9.0} {:>9.1} {:>9.1} {:>9.1} {:>9.1} {:>9.1} {:>9.1?} {:>9.1?} {:>9.1?}",
            f64::from(orders) / (load + decide + save).as_secs_f64(),
            each(load),
            each(decide),
            each(save),
            each(load + save),
            each(cpu),
            percentile(&saves, 50),
            percentile(&saves, 99),
            percentile(&saves, 100),
        );
    }
}
