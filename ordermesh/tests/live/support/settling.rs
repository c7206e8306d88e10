//! What must be true once the load is over and every process is back.

use std::{collections::BTreeSet, time::Duration};

use super::{Cluster, People, Placed, Promises, assert_all_ends_well, within};

/// How long the books may take to be clean and closed: events, sweeps and the provider's last words.
const CLOSED: Duration = Duration::from_secs(90);

/// Every order that was answered is there once, comes to its end, and the books of everyone agree.
pub(crate) async fn assert_all_settles(cluster: &Cluster, placed: &[Placed]) {
    let ids: BTreeSet<_> = placed.iter().map(|one| one.order.id.as_str()).collect();
    assert_eq!(ids.len(), placed.len(), "two keys gave one order");
    let promises = Promises::default();
    for one in placed {
        promises.add(one.order.clone());
    }
    let people = cluster.people(1);
    for customer in placed.iter().map(|one| &one.order.customer).collect::<BTreeSet<_>>() {
        let of_customer = |one: &&Placed| one.order.customer == *customer;
        let keys = placed.iter().filter(of_customer).count();
        assert_eq!(people.orders_of(customer).await, keys, "{customer} has another order for a repeated key");
    }
    assert_all_ends_well(&people, &promises).await;
    within(CLOSED, "the books are clean", || async { cluster.verify().await.then_some(()) }).await;
}

impl People {
    /// How many orders the customer has.
    async fn orders_of(&self, customer: &str) -> usize {
        let mut path = format!("/api/customers/{customer}/orders?limit=100");
        let mut count = 0;
        loop {
            let page = self.get(&path).await;
            count += page["orders"].as_array().expect("orders").len();
            let Some(cursor) = page["next_cursor"].as_str() else { return count };
            path = format!("/api/customers/{customer}/orders?limit=100&cursor={cursor}");
        }
    }
}
