//! `kill -9` of a process that publishes and consumes: every confirmed event is delivered.

use std::{
    collections::HashSet,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, Command, Stdio},
};

use bus::Subscriber as _;
use testkit::bus::{
    ORDERS, SOME,
    sample::{depth, event, publish, take},
};

/// Publishers in the process that is killed.
const PUBLISHERS: usize = 8;
/// Confirmed events after which it is killed.
const CONFIRMED: usize = 2000;
const ROUNDS: usize = 3;
/// Tells the test program that it is the process to be killed, and where it writes.
const FOLDER: &str = "BUS_KILL_FOLDER";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_confirmed_event_is_delivered_when_the_process_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..ROUNDS {
        let (confirmed, handled) = run_and_kill(folder.path());
        assert!(confirmed.len() >= CONFIRMED, "it was killed, it did not end before");
        let bus = super::open(folder.path()).await;
        let mut some = drain(&bus, SOME).await;
        let orders = drain(&bus, ORDERS).await;
        assert!(confirmed.is_subset(&some), "of the queue that nobody read, all are there");
        let lost = confirmed.iter().filter(|id| !orders.contains(*id) && !handled.contains(*id)).count();
        assert_eq!(lost, 0, "of the queue that was read, all were handled or are there");
        some.retain(|id| !confirmed.contains(id));
        assert!(some.len() <= PUBLISHERS, "besides, what was on its way: {}", some.len());
    }
}

/// The ids that were confirmed and those that were handled, each told before the process died.
fn run_and_kill(folder: &Path) -> (HashSet<String>, HashSet<String>) {
    let (mut confirmed, mut handled) = (HashSet::new(), HashSet::new());
    let mut child = victim(folder);
    let stdout = BufReader::new(child.stdout.take().unwrap());
    for line in stdout.lines().map_while(Result::ok) {
        match line.split_once(' ') {
            Some(("confirmed", id)) => _ = confirmed.insert(id.to_owned()),
            Some(("handled", id)) => _ = handled.insert(id.to_owned()),
            _ => {}
        }
        if confirmed.len() == CONFIRMED {
            // What it had told before it died is still read from the pipe.
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    (confirmed, handled)
}

fn victim(folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kill::process_that_gets_killed", "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Takes all there is; the events' ids.
async fn drain(bus: &bus::embedded::EmbeddedBus, queue: &'static str) -> HashSet<String> {
    let mut ids = HashSet::new();
    let ready = depth(bus, queue).await.ready;
    let mut subscription = bus.subscribe(queue, 32).await.unwrap();
    for _ in 0..ready {
        let delivery = take(&mut subscription).await;
        ids.insert(delivery.event().id.to_string());
        delivery.ack().await.unwrap();
    }
    ids
}

/// Not a test: the process that the test above kills.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "runs until it is killed; the test above starts it"]
async fn process_that_gets_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let bus = super::open(Path::new(&folder)).await;
    let publishers = (0..PUBLISHERS).map(|number| {
        let bus = bus.clone();
        tokio::spawn(async move {
            loop {
                let event = event("order.paid", &number.to_string());
                publish(&bus, std::slice::from_ref(&event)).await;
                tell("confirmed", &event);
            }
        })
    });
    let publishers: Vec<_> = publishers.collect();
    let mut orders = bus.subscribe(ORDERS, 32).await.unwrap();
    loop {
        let delivery = take(&mut orders).await;
        tell("handled", delivery.event());
        delivery.ack().await.unwrap();
        assert!(publishers.iter().all(|publisher| !publisher.is_finished()));
    }
}

fn tell(what: &str, event: &bus::Event) {
    writeln!(std::io::stdout().lock(), "{what} {}", event.id).unwrap();
}
