//! Power is lost: whatever was not synced is gone, and what was acknowledged is there.
//!
//! It believes fjall that a write with `SyncAll` is on the disk when it returns, and nothing else.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use store::embedded::{Database, Keyspace, PersistMode};
use tempfile::TempDir;

/// Power is lost at each of the first writes to disk, in turn.
const WRITES: usize = 10;
const KEYSPACE: &str = "things";
const PATIENCE: Duration = Duration::from_secs(10);

/// A disk that forgets at the crash whatever was not synced.
struct Disk {
    folder: PathBuf,
    /// The folder as the last sync left it.
    synced: PathBuf,
    state: Mutex<State>,
}

struct State {
    writes_left: usize,
    /// What the write before was told to do; making a folder ends with a sync.
    last: PersistMode,
}

impl Disk {
    /// Before each write: what the one before left stays, if it was synced and this one may be forgotten.
    fn write(&self, mode: PersistMode) -> io::Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let power_is_lost = state.writes_left == 0;
        if state.last == PersistMode::SyncAll && (mode != PersistMode::SyncAll || power_is_lost) {
            let _ = fs::remove_dir_all(&self.synced);
            copy(&self.folder, &self.synced)?;
        }
        if power_is_lost {
            return Err(io::Error::other("power is lost"));
        }
        state.writes_left -= 1;
        state.last = mode;
        Ok(())
    }
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let (from, to) = { (entry.as_ref().unwrap().path(), to.join(entry?.file_name())) };
        if from.is_dir() { copy(&from, &to)? } else { fs::copy(&from, &to).map(drop)? }
    }
    Ok(())
}

/// What the program was told before the power went.
#[derive(Default)]
struct Told {
    acknowledged: Vec<String>,
    /// Read, but nobody was told that it lasts.
    seen: Vec<String>,
}

/// Saves, and work that nobody waits for, in turns until the power goes.
async fn work(database: &Database, keyspace: &Keyspace) -> Told {
    let mut told = Told::default();
    for number in 0.. {
        let (saved, lazy) = (format!("saved-{number}"), format!("lazy-{number}"));
        let (tree, key) = (keyspace.clone(), saved.clone());
        let save = database.commit(move |tx| {
            tx.insert(&tree, key, "v");
            Ok(())
        });
        if save.await.is_err() {
            break;
        }
        told.acknowledged.push(saved);
        let (tree, key) = (keyspace.clone(), lazy.clone());
        let queued = database.commit_lazily(move |tx| {
            tx.insert(&tree, key, "v");
            Ok(())
        });
        if queued.is_err() || !shows(database, keyspace, &lazy).await {
            break;
        }
        told.seen.push(lazy);
    }
    told
}

/// Waits until it shows, on its own in a write that is not synced; false when the power went first.
async fn shows(database: &Database, keyspace: &Keyspace, key: &str) -> bool {
    let showing = async {
        while keyspace.get(key.as_bytes()).unwrap().is_none() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::select! {
        () = showing => true,
        () = database.failed() => false,
        () = tokio::time::sleep(PATIENCE) => panic!("{key} never shows"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_with_what_was_not_synced_when_the_power_goes() {
    let mut forgotten = 0;
    for writes_left in 0..WRITES {
        let (folder, kept) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let synced = kept.path().join("synced");
        let state = Mutex::new(State { writes_left, last: PersistMode::SyncAll });
        let disk = Arc::new(Disk { folder: folder.path().to_owned(), synced: synced.clone(), state });
        let gate = Arc::clone(&disk);
        let database = Database::open_gated(folder.path(), Arc::new(move |mode| gate.write(mode))).unwrap();
        let told = work(&database, &database.keyspace(KEYSPACE).unwrap()).await;
        drop(database);

        let database = Database::open(&synced).unwrap();
        let keyspace = database.keyspace(KEYSPACE).unwrap();
        let lost = |key: &&String| keyspace.get(key.as_bytes()).unwrap().is_none();
        let missing: Vec<_> = told.acknowledged.iter().filter(lost).collect();
        assert!(missing.is_empty(), "after {writes_left} writes {missing:?} were acknowledged and are lost");
        forgotten += told.seen.iter().filter(lost).count();
    }
    assert!(forgotten > 0, "this disk forgets nothing, so it shows nothing");
}
