//! Several operators at the dead letters of one queue.

use std::time::Duration;

use bus::{DeadLetters as _, Nack, Subscriber as _};
use testkit::bus::{
    ORDERS,
    sample::{depth, drain, events, permanent, publish, take},
};

use crate::mesh::Mesh;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_dead_letter_is_replayed_once_however_many_operators_look_and_replay() {
    const LETTERS: usize = 12;
    let mesh = Mesh::shared().await;
    let (bus, other) = (mesh.process(), mesh.process());
    publish(&bus, &events("order.ready", LETTERS)).await;
    let mut orders = bus.subscribe(ORDERS, LETTERS).await.unwrap();
    for _ in 0..LETTERS {
        take(&mut orders).await.nack(Nack::DeadLetter(permanent())).await.unwrap();
    }
    let ids: Vec<_> = bus.list(ORDERS, LETTERS).await.unwrap().into_iter().map(|letter| letter.id).collect();
    assert_eq!(ids.len(), LETTERS);
    let replaying = async |bus: &bus::rabbit::RabbitBus| {
        let mut replayed = 0;
        for id in &ids {
            assert!(bus.list(ORDERS, LETTERS).await.is_ok());
            replayed += usize::from(bus.replay(ORDERS, id).await.unwrap());
        }
        replayed
    };
    let both = async { tokio::join!(replaying(&bus), replaying(&other)) };
    let (first, second) = tokio::time::timeout(Duration::from_secs(60), both).await.unwrap();
    assert_eq!(first + second, LETTERS);
    drain(&mut orders, LETTERS).await;
    assert_eq!(depth(&bus, ORDERS).await.dead_letters, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn looking_at_dead_letters_leaves_their_order_and_ids_alone() {
    let bus = Mesh::shared().await.process();
    publish(&bus, &events("order.ready", 6)).await;
    let mut orders = bus.subscribe(ORDERS, 6).await.unwrap();
    for _ in 0..6 {
        take(&mut orders).await.nack(Nack::DeadLetter(permanent())).await.unwrap();
    }
    let ids = async |limit| {
        let letters = bus.list(ORDERS, limit).await.unwrap();
        letters.into_iter().map(|letter| letter.id).collect::<Vec<_>>()
    };
    let all = ids(10).await;
    for _ in 0..5 {
        assert_eq!(ids(3).await, all[..3]);
    }
    assert!(bus.purge(ORDERS, &all[4]).await.unwrap());
    assert_eq!(ids(10).await, [&all[..4], &all[5..]].concat());
}
