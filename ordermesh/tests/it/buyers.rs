//! Many buyers for the last units of one item.

use futures::future::join_all;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{People, Program, eventually};

/// The menu's Coke, and how many there are.
const ITEM: &str = "2";
const UNITS: usize = 10;
const BUYERS: usize = 200;
/// Nobody is told to come back later, not even by a debug build on a busy machine.
const PATIENT_MS: &str = "60000";

#[tokio::test]
async fn of_two_hundred_buyers_of_the_last_ten_units_exactly_ten_get_one() {
    let program = Program::new().with("REQUEST_DEADLINE_MS", PATIENT_MS);
    let mesh = program.start();
    let people = People::of(&mesh);
    let buying = (0..BUYERS).map(|i| {
        let people = people.clone();
        async move { people.post(&format!("/api/customers/c{i}/orders"), body()).await }
    });
    let answers = join_all(buying).await;
    let (got, refused): (Vec<_>, Vec<_>) =
        answers.into_iter().partition(|(status, _)| *status == StatusCode::CREATED);
    assert_eq!(got.len(), UNITS, "{refused:#?}");
    for (status, problem) in &refused {
        assert_eq!((*status, problem["code"].as_str()), (StatusCode::CONFLICT, Some("insufficient_stock")));
        assert_eq!((&problem["lines"][0]["id"], &problem["lines"][0]["wanted"]), (&json!(ITEM), &json!(1)));
    }
    assert_counters(&people, [10, 10, 0]).await;
    mesh.kill();
    let mesh = program.start();
    let people = People::of(&mesh);
    assert_counters(&people, [10, 10, 0]).await;
    cancel_one(&people, &got[0].1["order"]).await;
    assert!(mesh.terminate().success());
    program.assert_books_are_clean();
}

fn body() -> Value {
    json!({"items": [{"id": ITEM, "quantity": 1}]})
}

async fn counters(people: &People) -> [u64; 3] {
    let item = people.get(&format!("/api/items/{ITEM}")).await["item"].take();
    ["on_hand", "held", "available"].map(|name| item[name].as_u64().expect("a number"))
}

async fn assert_counters(people: &People, expected: [u64; 3]) {
    assert_eq!(counters(people).await, expected, "on hand, held, available");
}

/// What one gives back, another gets.
async fn cancel_one(people: &People, order: &Value) {
    let text = |name: &str| order[name].as_str().expect("text").to_owned();
    let path = format!("/api/customers/{}/orders/{}", text("customer_id"), text("id"));
    assert_eq!(people.post(&format!("{path}/cancel"), json!({})).await.0, StatusCode::OK);
    eventually("a unit is free again", || async { (counters(people).await == [10, 9, 1]).then_some(()) })
        .await;
    people.order("late", ITEM, 1).await;
    assert_counters(people, [10, 10, 0]).await;
}
