//! An order from curl to a paid, cooked and collected meal.

use reqwest::StatusCode;

use crate::support::{People, Program};

const GOOD_CARD: &str = "4242424242424242";

#[tokio::test]
async fn an_order_goes_from_the_menu_to_the_collected_meal() {
    let program = Program::new();
    let mesh = program.start();
    let people = People::of(&mesh);
    let order = people.order("2", "123", 2).await;
    assert_eq!(people.pay(&order, GOOD_CARD).await, StatusCode::SEE_OTHER);
    people.reach(&order, "paid").await;
    people.ticket(&order, "queued").await;
    for (verb, status) in [("start", "preparing"), ("ready", "ready"), ("pickup", "completed")] {
        assert_eq!(people.cook(&order, verb).await.0, StatusCode::OK, "{verb}");
        people.reach(&order, status).await;
    }
    let expected = ["pending", "waiting_payment", "paid", "preparing", "ready", "completed"];
    assert_eq!(people.states(&order).await, expected);
    assert_eq!(people.charges(&order).await.len(), 1);
    assert!(mesh.terminate().success());
    program.assert_books_are_clean();
}
