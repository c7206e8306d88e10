//! The skeleton's disk: fjall, one writer thread, one fsync for all that wait. Nothing of the project's own store.

use std::{path::Path, sync::mpsc, thread};

use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};
use tokio::sync::oneshot;

const GROUP: usize = 1024;
const QUEUE: usize = 4096;

struct Write {
    documents: Vec<(Vec<u8>, Vec<u8>)>,
    done: oneshot::Sender<()>,
}

/// A handle to the writer.
#[derive(Clone)]
pub(crate) struct Disk {
    writer: mpsc::SyncSender<Write>,
}

impl Disk {
    pub(crate) fn open(folder: &Path) -> Self {
        let database = Database::builder(folder).cache_size(16 << 20).open().expect("a fresh folder");
        let options = || KeyspaceCreateOptions::default().max_memtable_size(8 << 20);
        let keyspace = database.keyspace("documents", options).expect("a keyspace");
        let (writer, queue) = mpsc::sync_channel(QUEUE);
        thread::spawn(move || write_all(&database, &keyspace, &queue));
        Self { writer }
    }

    /// Saves the documents in one batch and returns when they are synced.
    pub(crate) async fn save(&self, documents: Vec<(Vec<u8>, Vec<u8>)>) {
        let (done, synced) = oneshot::channel();
        self.writer.send(Write { documents, done }).expect("the writer lives as long as the program");
        synced.await.expect("the writer answers");
    }
}

fn write_all(database: &Database, keyspace: &Keyspace, queue: &mpsc::Receiver<Write>) {
    while let Ok(first) = queue.recv() {
        let group: Vec<_> = std::iter::once(first).chain(queue.try_iter().take(GROUP)).collect();
        let mut batch = database.batch().durability(Some(PersistMode::SyncAll));
        for (key, value) in group.iter().flat_map(|write| &write.documents) {
            batch.insert(keyspace, key.as_slice(), value.as_slice());
        }
        batch.commit().expect("a healthy disk");
        for write in group {
            let _ = write.done.send(());
        }
    }
}
