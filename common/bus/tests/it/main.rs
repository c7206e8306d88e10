//! The embedded bus over a real folder: the contract of every bus, and what only this one promises.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod kill;
mod long;
mod mixed;
mod relay;

use std::{path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use bus::{Bus, embedded::EmbeddedBus};
use common::{SystemClock, SystemRandom};
use store::embedded::{Database, OpenError};
use tempfile::TempDir;
use testkit::bus::{Harness, LADDER, topology};

/// Opens the folder; what just closed it may still be on its way out.
async fn database(folder: &Path) -> Database {
    let opening = async {
        loop {
            match Database::open(folder) {
                Err(OpenError::Locked(_)) => tokio::time::sleep(Duration::from_millis(5)).await,
                opened => return opened.unwrap(),
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(10), opening).await.expect("the folder is let go of")
}

async fn open(folder: &Path) -> EmbeddedBus {
    on(&database(folder).await)
}

fn on(database: &Database) -> EmbeddedBus {
    let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
    EmbeddedBus::open_with_ladder(database, topology(), LADDER.to_vec(), clock, random).unwrap()
}

#[derive(Debug)]
struct Folder(TempDir);

#[async_trait]
impl Harness for Folder {
    async fn open(&self) -> Arc<dyn Bus> {
        Arc::new(open(self.0.path()).await)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_embedded_bus_keeps_the_contract() {
    testkit::bus::contract("embedded", || async {
        let harness: Arc<dyn Harness> = Arc::new(Folder(tempfile::tempdir().unwrap()));
        harness
    })
    .await;
}
