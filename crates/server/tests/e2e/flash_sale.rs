//! More buyers than units: every unit is sold once.

use crate::support::{Database, Http, Server, all_orders, audit_is_clean, cart, crowd, goods, place, problem, stock};

on_each_database![two_hundred_buyers_get_fifty_units, opposite_orders_of_the_same_goods_all_succeed];
on_postgres_only![two_hundred_buyers_at_two_instances_get_fifty_units];

async fn sell(database: &Database, instances: &[&Http]) {
    goods(instances[0], "LAST", 50).await;
    goods(instances[0], "OTHER", 1000).await;
    let body = cart(&[("OTHER", 1), ("LAST", 1)]);
    let replies = crowd(200, |buyer| place(instances[buyer % instances.len()], &format!("buyer-{buyer}"), &body).send()).await;
    let sold = replies.iter().filter(|reply| reply.status == 201).count();
    for refused in replies.iter().filter(|reply| reply.status != 201) {
        let told = problem(refused, 409, "OUT_OF_STOCK");
        assert_eq!((&told["lines"][0]["sku_id"], &told["lines"][0]["available"]), (&"LAST".into(), &0.into()), "{told}");
    }
    assert_eq!(sold, 50);
    assert_eq!(all_orders(instances[0], "").await.len(), 50);
    assert_eq!(stock(instances[0], "LAST").await, (50, 50));
    assert_eq!(stock(instances[0], "OTHER").await, (1000, 50));
    audit_is_clean(database).await;
}

async fn two_hundred_buyers_get_fifty_units(database: &Database) {
    let server = Server::on(database).await;
    sell(database, &[&server.http]).await;
}

async fn two_hundred_buyers_at_two_instances_get_fifty_units(database: &Database) {
    let (one, two) = (Server::on(database).await, Server::on(database).await);
    sell(database, &[&one.http, &two.http]).await;
}

async fn opposite_orders_of_the_same_goods_all_succeed(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    for sku_id in ["A", "B", "C"] {
        goods(http, sku_id, 1000).await;
    }
    let bodies = [cart(&[("A", 1), ("B", 1), ("C", 1)]), cart(&[("C", 1), ("B", 1), ("A", 1)])];
    let replies = crowd(100, |buyer| place(http, &format!("k-{buyer}"), &bodies[buyer % 2]).send()).await;
    assert!(replies.iter().all(|reply| reply.status == 201));
    for sku_id in ["A", "B", "C"] {
        assert_eq!(stock(http, sku_id).await, (1000, 100));
    }
    audit_is_clean(database).await;
}
