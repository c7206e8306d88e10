//! Everything at once: publishers, competing and ending subscriptions, acks, retries, requeues, dead letters and a
//! restart, in an order that a seed and the scheduler decide.

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bus::{Delivery, Nack, Settled, Subscriber as _, embedded::EmbeddedBus};
use common::Random as _;
use testkit::{
    bus::{
        ORDERS, SOME,
        sample::{SOON, depth, events, permanent, publish, unexpected, until},
    },
    random::SeededRandom,
};

/// More than a queue keeps in memory.
const EVENTS: usize = 6000;
const CONSUMERS: u64 = 3;

/// What became of one queue's events; each may be settled once.
#[derive(Default)]
struct Ledger {
    acked: Mutex<HashSet<String>>,
    buried: Mutex<HashSet<String>>,
}

impl Ledger {
    fn settled(&self) -> usize {
        self.acked.lock().unwrap().len() + self.buried.lock().unwrap().len()
    }

    async fn settle(&self, delivery: Box<dyn Delivery>, random: &SeededRandom) {
        let subject = delivery.event().subject.clone();
        assert!(!self.acked.lock().unwrap().contains(&subject), "{subject} was acked before");
        assert!(!self.buried.lock().unwrap().contains(&subject), "{subject} is a dead letter");
        // It is entered first: once settled, another consumer may not see it any more.
        match random.below(20) {
            0 => drop(delivery),
            1 => _ = delivery.nack(Nack::Requeue).await.unwrap(),
            2 | 3 if delivery.attempts() < 3 => {
                assert_eq!(delivery.nack(Nack::Retry(unexpected())).await.unwrap(), Settled::Retried);
            }
            4 => {
                self.buried.lock().unwrap().insert(subject);
                let settled = delivery.nack(Nack::DeadLetter(permanent())).await.unwrap();
                assert_eq!(settled, Settled::DeadLettered);
            }
            _ => {
                self.acked.lock().unwrap().insert(subject);
                delivery.ack().await.unwrap();
            }
        }
    }
}

/// Consumes until told to stop, with subscriptions that end now and then.
async fn consume(
    bus: EmbeddedBus,
    queue: &'static str,
    ledger: Arc<Ledger>,
    stop: Arc<AtomicBool>,
    seed: u64,
) {
    let random = SeededRandom::new(seed);
    while !stop.load(Ordering::SeqCst) {
        let mut subscription = bus.subscribe(queue, 8).await.unwrap();
        for _ in 0..50 + random.below(200) {
            let next = tokio::time::timeout(Duration::from_millis(20), subscription.next()).await;
            let Ok(delivery) = next else { break };
            ledger.settle(delivery.unwrap(), &random).await;
        }
        // One that is in hand when the subscription ends comes back.
        let _in_hand = tokio::time::timeout(Duration::from_millis(1), subscription.next()).await;
        drop(subscription);
    }
}

type Consumers = Vec<tokio::task::JoinHandle<()>>;

fn start(bus: &EmbeddedBus, ledgers: &[Arc<Ledger>; 2], stop: &Arc<AtomicBool>, seed: u64) -> Consumers {
    let consumer = |(queue, ledger): (&'static str, &Arc<Ledger>), number| {
        tokio::spawn(consume(bus.clone(), queue, Arc::clone(ledger), Arc::clone(stop), seed + number))
    };
    let queues = [(ORDERS, &ledgers[0]), (SOME, &ledgers[1])];
    (0..CONSUMERS).flat_map(|number| queues.map(|queue| consumer(queue, number))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_event_is_settled_once_per_queue_whatever_happens_around_it() {
    let folder = tempfile::tempdir().unwrap();
    let ledgers = [Arc::new(Ledger::default()), Arc::new(Ledger::default())];
    for (restart, batch) in events("order.paid", EVENTS).chunks(EVENTS / 2).enumerate() {
        let database = super::database(folder.path()).await;
        let bus = super::on(&database);
        let stop = Arc::new(AtomicBool::new(false));
        let mut consumers = Vec::new();
        for (place, chunk) in batch.chunks(20).enumerate() {
            publish(&bus, chunk).await;
            if place == 50 {
                consumers = start(&bus, &ledgers, &stop, 100 * restart as u64);
            }
        }
        let published = batch.len() * (restart + 1);
        if restart == 0 {
            until("some are settled", || ledgers.iter().all(|ledger| ledger.settled() > 1000)).await;
        } else {
            until("all are settled", || ledgers.iter().all(|ledger| ledger.settled() == published)).await;
        }
        stop.store(true, Ordering::SeqCst);
        for consumer in consumers {
            tokio::time::timeout(SOON, consumer).await.unwrap().unwrap();
        }
        // Acks are lazy; a durable write of anything has them behind it.
        database.commit(|_| Ok(())).await.unwrap();
    }
    let database = super::database(folder.path()).await;
    let bus = super::on(&database);
    let mut letters = 0;
    for (queue, ledger) in [ORDERS, SOME].into_iter().zip(&ledgers) {
        let depth = depth(&bus, queue).await;
        assert_eq!((depth.ready, depth.in_flight), (0, 0), "{queue}");
        assert_eq!(depth.dead_letters, ledger.buried.lock().unwrap().len() as u64);
        letters += ledger.buried.lock().unwrap().len();
    }
    let left = database.keyspace("bus").unwrap().prefix(b"").keys().count();
    assert_eq!(left, letters + 1, "the dead letters and the names of the queues");
}
