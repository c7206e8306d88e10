//! The database under the store: units of work, groups, the lock, and what happens when the disk fails.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use common::{Code, Fault};
use store::embedded::{Database, OpenError, Transaction};

fn open(folder: &tempfile::TempDir) -> Database {
    Database::open(folder.path()).unwrap()
}

fn number(transaction: &Transaction, keyspace: &store::embedded::Keyspace) -> Result<u64, Fault> {
    let value = transaction.get(keyspace, b"n")?;
    Ok(value.map_or(0, |v| u64::from_be_bytes(v[..].try_into().unwrap())))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_unit_of_work_sees_all_before_it_also_those_of_its_own_group() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder);
    let keyspace = database.keyspace("k").unwrap();
    let adders = (0..64).map(|_| {
        let (database, keyspace) = (database.clone(), keyspace.clone());
        tokio::spawn(async move {
            for _ in 0..20 {
                let keyspace = keyspace.clone();
                let add = move |tx: &mut Transaction| {
                    let next = number(tx, &keyspace)? + 1;
                    tx.insert(&keyspace, &b"n"[..], next.to_be_bytes().to_vec());
                    Ok(())
                };
                database.commit(add).await.unwrap();
            }
        })
    });
    for adder in adders.collect::<Vec<_>>() {
        adder.await.unwrap();
    }
    assert_eq!(keyspace.get(b"n").unwrap().unwrap(), 1280u64.to_be_bytes().to_vec());
}

#[tokio::test]
async fn a_unit_of_work_that_fails_takes_only_its_own_changes_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder);
    let keyspace = database.keyspace("k").unwrap();
    let insert = |key: &'static [u8], ok: bool| {
        let keyspace = keyspace.clone();
        database.commit(move |tx| {
            tx.insert(&keyspace, key, key);
            if ok { Ok(()) } else { Err(Fault::new(Code::InvalidRequest, "refused")) }
        })
    };
    let (first, second, third) = tokio::join!(insert(b"a", true), insert(b"b", false), insert(b"c", true));
    first.unwrap();
    assert_eq!(second.unwrap_err().code(), Code::InvalidRequest);
    third.unwrap();
    let keys: Vec<_> = keyspace.prefix(b"").keys().map(Result::unwrap).collect();
    assert_eq!(keys, [&b"a"[..], b"c"]);
}

#[tokio::test]
async fn what_runs_after_a_commit_runs_before_the_caller_is_told_and_not_for_a_refused_unit() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder);
    let ran = Arc::new(AtomicBool::new(false));
    for (refuse, expected) in [(true, false), (false, true)] {
        let flag = Arc::clone(&ran);
        let unit = database.commit(move |tx| {
            tx.after_commit(move || flag.store(true, Ordering::SeqCst));
            if refuse { Err(Fault::new(Code::InvalidRequest, "refused")) } else { Ok(()) }
        });
        assert_eq!(unit.await.is_ok(), expected);
        assert_eq!(ran.load(Ordering::SeqCst), expected);
    }
}

#[tokio::test]
async fn lazy_work_is_done_in_its_turn_and_is_there_after_a_close() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder);
    let keyspace = database.keyspace("k").unwrap();
    for value in [&b"1"[..], b"2"] {
        let keyspace = keyspace.clone();
        database
            .commit_lazily(move |tx| {
                tx.insert(&keyspace, &b"lazy"[..], value);
                Ok(())
            })
            .unwrap();
    }
    let seen = {
        let keyspace = keyspace.clone();
        database.commit(move |tx| tx.get(&keyspace, b"lazy")).await.unwrap()
    };
    assert_eq!(seen.unwrap(), &b"2"[..]);
    {
        let keyspace = keyspace.clone();
        database
            .commit_lazily(move |tx| {
                tx.remove(&keyspace, &b"lazy"[..]);
                Ok(())
            })
            .unwrap();
    }
    database.close().await;
    assert!(database.commit(|_| Ok(())).await.is_err());
    drop((database, keyspace));
    let keyspace = open(&folder).keyspace("k").unwrap();
    assert_eq!(keyspace.get(b"lazy").unwrap(), None);
}

#[tokio::test]
async fn a_second_opening_of_the_folder_is_refused_until_the_first_is_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(&folder);
    let error = Database::open(folder.path()).unwrap_err();
    assert!(matches!(error, OpenError::Locked(_)), "{error}");
    drop(first);
    open(&folder);
}

#[tokio::test]
async fn a_failed_sync_is_unavailable_to_all_who_wait_and_to_all_who_come_later() {
    let folder = tempfile::tempdir().unwrap();
    let broken = Arc::new(AtomicBool::new(false));
    let gate =
        {
            let broken = Arc::clone(&broken);
            Arc::new(move |_| {
                if broken.load(Ordering::SeqCst) { Err(io::Error::other("no space left")) } else { Ok(()) }
            })
        };
    let database = Database::open_gated(folder.path(), gate).unwrap();
    let keyspace = database.keyspace("k").unwrap();
    let insert = || {
        let keyspace = keyspace.clone();
        database.commit(move |tx| {
            tx.insert(&keyspace, &b"k"[..], &b"v"[..]);
            Ok(())
        })
    };
    insert().await.unwrap();
    database.check().unwrap();
    broken.store(true, Ordering::SeqCst);
    for result in futures::future::join_all((0..64).map(|_| insert())).await {
        assert_eq!(result.unwrap_err().code(), Code::Unavailable);
    }
    database.failed().await;
    assert_eq!(insert().await.unwrap_err().code(), Code::Unavailable);
    assert!(database.check().is_err());
    database.close().await;
}

#[tokio::test]
async fn a_panic_in_a_unit_of_work_fails_the_database_and_leaves_nobody_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder);
    let panicking = database.commit::<()>(|_| panic!("a bug"));
    let (panicked, _) = tokio::join!(panicking, database.failed());
    assert_eq!(panicked.unwrap_err().code(), Code::Unavailable);
}

#[tokio::test]
async fn the_last_handle_may_go_inside_the_writer() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder);
    let last = database.clone();
    let (go, gone) = std::sync::mpsc::channel::<()>();
    let work = move |_: &mut Transaction| {
        // Returns once the other handle is gone.
        let _ = gone.recv();
        drop(last);
        Ok(())
    };
    database.commit_lazily(work).unwrap();
    drop(database);
    drop(go);
    let reopened = async {
        while Database::open(folder.path()).is_err() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), reopened).await.unwrap();
}
