//! A disk that is full, a database that somebody else holds.

use std::process::{Command, Stdio};
use std::time::Duration;

use engine::port::{Mark, SaveError, Settled};
use rusqlite::{Connection, TransactionBehavior};
use testkit::StepClock;
use testkit::builders::{context, restock, sku};

use crate::support::{Desk, Folder, store};

#[tokio::test]
async fn a_save_waits_for_another_process_that_writes() {
    let folder = Folder::fresh();
    let clock = StepClock::default();
    let mut desk = Desk::of(&store(&folder.file()).await).await;
    let mut db = Connection::open(folder.file()).unwrap();
    let (held, is_held) = std::sync::mpsc::channel();
    let other = std::thread::spawn(move || {
        let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
        held.send(()).unwrap();
        std::thread::sleep(Duration::from_millis(100));
        transaction.commit().unwrap();
    });
    is_held.recv().unwrap();
    desk.run(&sku("a"), &context(&clock)).await;
    other.join().unwrap();
}

/// Runs this very test again as a child that may write only small files, and answers its output.
///
/// `ulimit -f` counts blocks of 512 bytes in `sh`; `trap ''` turns the signal into an error of write.
fn in_little_room(test: &str, blocks: u32) -> String {
    let child = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -S -f \"$0\"; exec \"$1\" --exact \"$2\" --nocapture --test-threads 1"])
        .arg(blocks.to_string())
        .arg(std::env::current_exe().expect("this test runs from a file"))
        .arg(test)
        .env("ORDO_TEST_LITTLE_ROOM", "1")
        .stderr(Stdio::inherit())
        .output()
        .expect("there is a shell");
    let said = String::from_utf8_lossy(&child.stdout).into_owned();
    assert!(child.status.success(), "{said}");
    said
}

#[tokio::test]
async fn without_room_nothing_is_saved_and_with_room_everything_goes_on() {
    if std::env::var_os("ORDO_TEST_LITTLE_ROOM").is_none() {
        in_little_room("faults::without_room_nothing_is_saved_and_with_room_everything_goes_on", 2048);
        return;
    }
    let folder = Folder::fresh();
    let clock = StepClock::default();
    let mut desk = Desk::of(&store(&folder.file()).await).await;
    desk.run(&sku("a"), &context(&clock)).await;
    let mut saved = 0;
    let (cx, refused) = loop {
        let cx = context(&clock);
        match desk.try_run(&restock("a", 1), &cx).await {
            Ok(_) => saved += 1,
            Err(refused) => break (cx, refused),
        }
    };
    assert!(saved > 10, "{saved}");
    let SaveError::Unavailable(why) = &refused else { panic!("{refused:?}") };
    assert!(why.to_string().contains("the disk of the database"), "{why}");
    // Room is made by whoever looks after the machine.
    let limit = Command::new("prlimit").args([format!("--pid={}", std::process::id()), "--fsize=unlimited:".into()]).status().unwrap();
    assert!(limit.success());
    assert_eq!(desk.session.settle(Mark(cx.mint.id(4095))).await.unwrap(), Settled::NotSaved);
    let after = desk.run(&restock("a", 1), &context(&clock)).await;
    assert_eq!(after.balance.on_hand, saved + 1);
}
