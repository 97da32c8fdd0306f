//! What every scenario stands on: a database of its own, the server as a process, a client, a shop with goods.

mod database;
mod dice;
mod events;
mod http;
mod load;
mod postgres;
mod process;
mod proxy;
mod shop;
mod wait;

pub(crate) use database::Database;
pub(crate) use dice::{Dice, Length};
pub(crate) use events::{Event, Events};
pub(crate) use http::{Http, Reply, Request, read_reply};
pub(crate) use load::{Answers, Load};
pub(crate) use process::{Ordo, Server, Setup, signal};
pub(crate) use proxy::{Mode, Proxy};
pub(crate) use shop::{all_orders, audit_is_clean, cart, event_types, goods, metric, place, priced_goods, problem, stock};
pub(crate) use wait::{crowd, until};
