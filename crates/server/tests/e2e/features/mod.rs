//! The features under `tests/features`, played scenario by scenario: each with a server and a database of its own.

mod answers;
mod canonical;
mod store;
mod ticket;

use std::io::stdout;

use cucumber::writer::Stats as _;
use cucumber::{World as _, WriterExt as _, writer};

use crate::support::{Database, Http, Reply, Server, audit_is_clean};

/// Scenarios at once, so that one waits while another works.
const AT_ONCE: usize = 4;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/features");

/// What a scenario has: a shop, and what it was answered.
#[derive(Debug, Default, cucumber::World)]
struct Shop {
    // The server goes before its database.
    server: Option<Server>,
    database: Option<Database>,
    reply: Option<Reply>,
    before: Option<Reply>,
    /// The answers of many callers at once.
    replies: Vec<Reply>,
    /// The orders that were placed, the last one last.
    orders: Vec<String>,
}

impl Shop {
    fn http(&self) -> Http {
        self.server.as_ref().expect("a scenario begins with a server").http.clone()
    }

    /// The last answer.
    fn reply(&self) -> &Reply {
        self.reply.as_ref().expect("something was asked before")
    }

    fn answered(&mut self, reply: Reply) {
        self.before = self.reply.replace(reply);
    }

    /// An answer that is an order, if it was not refused.
    fn placed(&mut self, reply: Reply) {
        if matches!(reply.status, 200 | 201) {
            self.orders.push(reply.string("order_id"));
        }
        self.answered(reply);
    }

    /// The order that is spoken of.
    fn order(&self) -> &str {
        self.orders.last().expect("an order was placed before")
    }

    async fn is_sound(&self) {
        audit_is_clean(self.database.as_ref().expect("a scenario begins with a database")).await;
    }
}

/// Plays a feature, prints what was counted, and fails on any step that failed, is unknown or was left out.
async fn play(feature: &str, fresh: fn() -> Database) {
    let writer = writer::Basic::new(stdout(), writer::Coloring::Never, writer::Verbosity::Default).summarized();
    let ended = Shop::cucumber()
        .max_concurrent_scenarios(AT_ONCE)
        .before(move |_, _, _, shop| {
            Box::pin(async move {
                let database = fresh();
                shop.server = Some(Server::on(&database).await);
                shop.database = Some(database);
            })
        })
        .with_writer(writer)
        // The arguments of this process are for the test harness.
        .with_default_cli()
        .run(format!("{FOLDER}/{feature}.feature"))
        .await;
    let counted = (ended.failed_steps(), ended.skipped_steps(), ended.parsing_errors(), ended.hook_errors());
    assert_eq!(counted, (0, 0, 0, 0), "steps failed, steps unknown, files unreadable, servers that did not start");
    assert!(ended.passed_steps() > 0, "{feature} has no step");
}

/// Makes a test of each feature on each database.
macro_rules! features {
    ($($feature:ident),+ $(,)?) => {
        const FEATURES: &[&str] = &[$(stringify!($feature)),+];

        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $feature() {
                    super::play(stringify!($feature), crate::support::Database::sqlite).await;
                }
            )+
        }
        mod postgres {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $feature() {
                    super::play(stringify!($feature), crate::support::Database::postgres).await;
                }
            )+
        }
    };
}

features![orders, storefront, tickets];

#[test]
fn every_feature_in_the_folder_is_played() {
    let files = std::fs::read_dir(FOLDER).expect("the folder is there").map(|file| file.expect("it can be listed").path());
    let mut names: Vec<String> = files.filter_map(|file| Some(file.file_stem()?.to_str()?.to_owned())).collect();
    names.sort();
    assert_eq!(names, FEATURES);
}
