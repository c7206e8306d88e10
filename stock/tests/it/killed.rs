//! The process dies where only a sweep passes, long after the order; what it was about is found again.

use std::{
    os::unix::process::ExitStatusExt as _,
    path::Path,
    process::{Command, ExitStatus},
    time::Duration,
};

use stock::domain::{reservation::ASK_AGAIN, standing::Standing};

use crate::bench::{Bench, item};

/// Tells the test program that it is the process that dies, and where its store is.
const FOLDER: &str = "STOCK_KILLED_FOLDER";
/// Longer than a hold of the bench lasts.
const HELD_FOR: Duration = Duration::from_secs(3601);
const SIGABRT: i32 = 6;

#[tokio::test]
async fn a_hold_that_was_put_off_when_the_process_died_is_kept_and_asked_about_again() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(die_on(folder.path()).signal(), Some(SIGABRT), "the crash point was passed");
    let bench = Bench::on(folder.path());
    bench.clock.advance(HELD_FOR);
    assert_eq!(bench.counts("a").await, (5, 2, 0), "the hold is kept");
    bench.assert_sound("after the crash").await;
    assert_eq!(bench.stock.settle_due().await.unwrap(), 0, "it was put off before the process died");
    bench.clock.advance(ASK_AGAIN + Duration::from_secs(1));
    let due = bench.stockroom().due_reservations(common::Clock::now(&*bench.clock), 10).await.unwrap();
    let [put_off] = due.try_into().expect("the one hold is due again");
    bench.orders.say(put_off.body.order_id, Standing::Off);
    assert_eq!(bench.stock.settle_due().await.unwrap(), 1);
    assert_eq!(bench.counts("a").await, (5, 0, 0));
    bench.sweep().await;
    bench.assert_at_rest("asked about again").await;
}

fn die_on(folder: &Path) -> ExitStatus {
    let died = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "killed::process_that_dies", "--ignored"])
        .env(FOLDER, folder)
        .output();
    died.unwrap().status
}

/// Not a test: the process that dies in the test above, in a sweep that leaves an undecided order's hold for later.
#[tokio::test]
#[ignore = "dies at a crash point; the test above starts it"]
async fn process_that_dies() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let bench = Bench::on(Path::new(&folder));
    bench.stock.put_item(item("a", 400, Some(5))).await.unwrap();
    bench.reserve(bench.order(), &[("a", 2)]).await.unwrap();
    bench.clock.advance(HELD_FOR);
    common::crash::arm("stock.due.postponed");
    bench.stock.settle_due().await.unwrap();
}
