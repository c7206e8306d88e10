//! Several processes work on the same orders and items over a store that interleaves every write of theirs and
//! breaks off at random. A failing seed is printed: run it alone with `STOCK_SEED=<seed>`.

use std::{sync::Arc, time::Duration};

use common::{Clock as _, Code, Fault, Ids, Kind, OrderId, Random, Report};
use futures::future::join_all;
use stock::{
    app::Stock,
    domain::restock::RestockItem,
    ports::{Orders, Stockroom},
};
use telemetry::Metrics;
use testkit::{clock::ManualClock, random::SeededRandom};

use crate::{
    bench::{TheirOrders, item, wanted},
    memory::Memory,
};

const SEEDS: u64 = 250;
const ORDERS: u64 = 10;
const ON_HAND: u64 = 12;
const RESTOCKED: u64 = 3;

/// One real history of an order, as stock hears of it.
#[derive(Clone, Copy, Debug)]
enum History {
    Paid,
    /// Cancelled at any time, even before the hold.
    Cancelled,
    RefundedBeforeCooking,
    RefundedAfterCooking,
}

const HISTORIES: [History; 4] =
    [History::Paid, History::Cancelled, History::RefundedBeforeCooking, History::RefundedAfterCooking];

struct World {
    memory: Arc<Memory>,
    random: Arc<SeededRandom>,
    clock: Arc<ManualClock>,
    orders: Arc<TheirOrders>,
    ids: Ids,
}

impl World {
    fn new(seed: u64) -> Self {
        let clock = Arc::new(ManualClock::default());
        let random = Arc::new(SeededRandom::new(seed ^ 0xfeed));
        let ids = Ids::new(clock.clone(), random.clone());
        Self { memory: Arc::new(Memory::new(seed)), random, clock, orders: Arc::default(), ids }
    }

    fn process(&self) -> Stock {
        let (room, orders): (Arc<dyn Stockroom>, Arc<dyn Orders>) =
            (self.memory.clone(), self.orders.clone());
        Stock::new(room, orders, self.clock.clone(), self.random.clone(), &Metrics::new())
    }

    /// A process that has just started, or one that has run for a while and remembers items.
    fn any(&self, processes: &[Stock]) -> Stock {
        let n = usize::try_from(self.random.below(processes.len() as u64 + 1)).unwrap();
        processes.get(n).cloned().unwrap_or_else(|| self.process())
    }

    fn lines(&self) -> Vec<(&'static str, u32)> {
        match self.random.below(3) {
            0 => vec![("a", 1)],
            1 => vec![("b", 2), ("a", 1)],
            _ => vec![("a", 2), ("b", 1)],
        }
    }

    /// Asks until there is a definite answer; each time a process of its choice.
    async fn insist<T, F>(&self, processes: &[Stock], ask: impl Fn(Stock) -> F) -> Result<T, Fault>
    where
        F: Future<Output = Result<T, Fault>>,
    {
        loop {
            match ask(self.any(processes)).await {
                Err(fault) if fault.is_transient() => {
                    assert!(matches!(fault.kind(), Kind::Unavailable | Kind::VersionConflict), "{fault}");
                    tokio::task::yield_now().await;
                }
                answer => return answer,
            }
        }
    }

    /// Answers with how many of `a` and `b` are gone in the end.
    async fn live(&self, processes: &[Stock], history: History) -> (u64, u64) {
        let order: OrderId = self.ids.mint();
        let lines = self.lines();
        let until = self.clock.now() + Duration::from_secs(3600);
        let reserve = || {
            self.insist(processes, |s| {
                let lines = wanted(&lines);
                async move { s.reserve(order, lines, until).await }
            })
        };
        let release =
            |started| self.insist(processes, move |s| async move { s.release(order, started).await });
        let commit = || self.insist(processes, move |s| async move { s.commit(order).await });
        let quantity = |name| lines.iter().filter(|(n, _)| *n == name).map(|(_, q)| u64::from(*q)).sum();
        let gone = (quantity("a"), quantity("b"));
        if matches!(history, History::Cancelled) {
            let (reserved, again, released) = tokio::join!(reserve(), reserve(), release(false));
            for fault in [reserved.err(), again.err()].into_iter().flatten() {
                let code = fault.code();
                assert!(matches!(code, Code::AlreadyClosed | Code::InsufficientStock), "{fault}");
            }
            released.unwrap();
            return (0, 0);
        }
        let (reserved, again) = tokio::join!(reserve(), reserve());
        if let (Err(refused), _) | (_, Err(refused)) = (&reserved, &again) {
            // Refused for lack of stock, perhaps to one of the two only: then the order is off.
            assert_eq!(refused.code(), Code::InsufficientStock, "{refused}");
            release(false).await.unwrap();
            return (0, 0);
        }
        let other = async {
            match history {
                History::Paid => commit().await,
                History::RefundedAfterCooking => release(true).await,
                History::RefundedBeforeCooking | History::Cancelled => release(false).await,
            }
        };
        let (committed, other) = tokio::join!(commit(), other);
        other.unwrap();
        if let Err(late) = committed {
            assert_eq!(late.code(), Code::InvalidTransition, "{late}");
        }
        if matches!(history, History::RefundedBeforeCooking) { (0, 0) } else { gone }
    }

    async fn sweep(&self, stock: &Stock) {
        self.clock.advance(Duration::from_secs(11));
        let _ = stock.settle_due().await;
        let _ = stock.post_movements().await;
        self.memory.assert_counters_sound("while it runs");
    }

    async fn come_to_rest(&self) {
        let stock = self.process();
        for _ in 0..6 {
            self.clock.advance(Duration::from_secs(60));
            stock.settle_due().await.unwrap();
            stock.post_movements().await.unwrap();
        }
        assert_eq!(self.memory.audit(), Report::default());
    }

    async fn on_hand(&self) -> Vec<(u64, u64)> {
        let items = self.memory.all_items().await.unwrap();
        items.iter().map(|i| (i.body.counters.on_hand, i.body.counters.held)).collect()
    }
}

async fn run(seed: u64) {
    let world = World::new(seed);
    let processes = [world.process(), world.process()];
    for name in ["a", "b"] {
        processes[0].put_item(item(name, 100, Some(ON_HAND))).await.unwrap();
    }
    world.memory.trouble(true);
    let histories = (0..ORDERS).map(|n| {
        let history = HISTORIES[usize::try_from((n + world.random.below(2)) % 4).unwrap()];
        world.live(&processes, history)
    });
    let sweeps = processes.iter().map(|stock| async {
        for _ in 0..8 {
            world.sweep(stock).await;
        }
    });
    let id = world.ids.mint();
    let restock = || {
        world.insist(&processes, |s| async move {
            s.restock(RestockItem::new("a".parse().unwrap(), id, RESTOCKED).unwrap()).await
        })
    };
    let (gone, _, once, twice) = tokio::join!(join_all(histories), join_all(sweeps), restock(), restock());
    once.and(twice).unwrap();
    world.memory.trouble(false);
    world.come_to_rest().await;
    let sum = |part: fn(&(u64, u64)) -> u64| gone.iter().map(part).sum::<u64>();
    let expected = vec![(ON_HAND + RESTOCKED - sum(|g| g.0), 0), (ON_HAND - sum(|g| g.1), 0)];
    assert_eq!(world.on_hand().await, expected);
}

#[test]
fn whatever_the_interleaving_and_the_trouble_the_books_balance_and_every_order_ends_as_decided() {
    let only = std::env::var("STOCK_SEED").ok().and_then(|seed| seed.parse().ok());
    let seeds = only.map_or(0..SEEDS, |seed: u64| seed..seed + 1);
    for seed in seeds {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| runtime.block_on(run(seed))));
        assert!(outcome.is_ok(), "STOCK_SEED={seed}");
    }
}
