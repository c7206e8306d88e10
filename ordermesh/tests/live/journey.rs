//! The order journey over ten processes, and who took part in it.

use reqwest::StatusCode;

use crate::support::{Cluster, Load, People, Servers};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_goes_from_the_menu_to_the_collected_meal_over_ten_processes() {
    let servers = Servers::start().await;
    let cluster = Cluster::start(&servers, 2, &[]).await;
    let people = cluster.people(1);
    let order = people.order("2", "123", 2).await;
    assert_eq!(people.pay(&order, "4242424242424242").await, StatusCode::SEE_OTHER);
    people.reach(&order, "paid").await;
    people.ticket(&order, "queued").await;
    let elsewhere = cluster.people(2);
    for (verb, status) in [("start", "preparing"), ("ready", "ready"), ("pickup", "completed")] {
        assert_eq!(elsewhere.cook(&order, verb).await.0, StatusCode::OK, "{verb}");
        people.reach(&order, status).await;
    }
    let expected = ["pending", "waiting_payment", "paid", "preparing", "ready", "completed"];
    assert_eq!(people.states(&order).await, expected);
    assert_eq!(people.charges(&order).await.len(), 1);
    everyone_takes_calls(&cluster, &people).await;
    assert!(cluster.verify().await);
}

/// After some load each instance of each service has answered calls.
async fn everyone_takes_calls(cluster: &Cluster, people: &People) {
    let load = Load::start(&[people.clone(), cluster.people(2)], 4).await;
    load.goes_on(40).await;
    load.stop().await;
    for member in cluster.members().filter(|member| member.role != "sandbox") {
        let answered = member.answered().await;
        assert!(answered > 0.0, "{}-{} took no call", member.role, member.number);
    }
}
