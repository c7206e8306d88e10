//! The ladder with the pauses of the product: a message that always fails, and its neighbours.

use std::time::Duration;

use bus::{Nack, RETRY_LADDER, Settled, Subscriber as _};
use testkit::bus::{
    ORDERS,
    sample::{drain, events, publish, unexpected},
};
use tokio::time::Instant;

use crate::mesh::Mesh;

/// How much later than its step a retry may come on a busy machine.
const TOLERANCE: Duration = Duration::from_secs(3);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_event_waits_as_long_as_each_step_says() {
    let mut mesh = Mesh::shared().await;
    mesh.ladder = RETRY_LADDER.to_vec();
    let bus = mesh.process();
    publish(&bus, &events("order.ready", 1)).await;
    let mut orders = bus.subscribe(ORDERS, 8).await.unwrap();
    for (attempts, step) in (0..).zip(RETRY_LADDER) {
        let delivery = orders.next().await.unwrap();
        assert_eq!(delivery.attempts(), attempts);
        assert_eq!(delivery.nack(Nack::Retry(unexpected())).await.unwrap(), Settled::Retried);
        let failed_at = Instant::now();
        // The others do not wait for it. The last step is for the failing one alone, to tell when it comes.
        publish(&bus, &events("order.ready", 3)).await;
        if step > TOLERANCE {
            drain(&mut orders, 3).await;
            assert!(failed_at.elapsed() < step);
            publish(&bus, &events("order.ready", 3)).await;
        }
        drain(&mut orders, 3).await;
        let again = orders.next().await.unwrap();
        let waited = failed_at.elapsed();
        assert!(waited >= step.mul_f64(0.95) && waited <= step + TOLERANCE, "{waited:?} instead of {step:?}");
        assert_eq!(again.attempts(), attempts + 1);
        again.nack(Nack::Requeue).await.unwrap();
    }
    let last = orders.next().await.unwrap();
    assert_eq!(last.nack(Nack::Retry(unexpected())).await.unwrap(), Settled::DeadLettered);
}
