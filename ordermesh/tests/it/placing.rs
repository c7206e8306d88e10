//! How orders come in: the original project's line, the other forms, keys, and whose order it is.

use std::io::Write as _;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Order, People, Program, talk};

#[tokio::test]
async fn the_original_line_of_curl_places_an_order_as_it_stands_and_so_do_the_other_forms() {
    let program = Program::new();
    let mesh = program.start();
    let people = People::of(&mesh);
    let port = people.base.rsplit_once(':').unwrap().1.to_owned();
    let body = r#"{"ID": 123, "Quantity": 2}"#;
    let sent = format!(
        "POST /api/customers/2/orders HTTP/1.1\r\nHost: localhost:{port}\r\nUser-Agent: curl/8.14.1\r\nAccept: */*\r\n\
         Content-Length: {}\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\n{body}",
        body.len()
    );
    let answer = talk(&people.base, |stream| stream.write_all(sent.as_bytes()));
    let (head, json) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 201 "), "{answer}");
    let placed: Value = serde_json::from_str(json).unwrap();
    let id = placed["order"]["id"].as_str().unwrap();
    assert!(head.contains(&format!("location: /api/customers/2/orders/{id}\r\n")), "{head}");
    let expected = format!("http://localhost:{port}/success.html?customer_id=2&order_id={id}");
    assert_eq!(placed["redirect_url"], expected);
    assert_eq!(placed["order"]["total"], json!({"amount_minor": 1800, "currency": "usd"}));
    let page = people.http.get(placed["order"]["payment_link"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(page.status(), StatusCode::OK);
    let page = page.text().await.unwrap();
    assert!(page.contains("TEST MODE") && page.contains("$18.00"), "{page}");
    for body in
        [r#"[{"id": "2", "quantity": 1}]"#, r#"{"items": [{"id": 2, "quantity": 1}], "note": "cold"}"#]
    {
        let answer = people.http.post(format!("{}/api/customers/2/orders", people.base)).body(body);
        let answer = answer.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::CREATED, "{body}");
    }
    let listed = people.get("/api/customers/2/orders?status=waiting_payment").await;
    assert_eq!(listed["orders"].as_array().unwrap().len(), 3, "{listed}");
    assert_eq!(listed["orders"][0]["note"], "cold", "newest first: {listed}");
}

#[tokio::test]
async fn the_same_key_gives_the_same_answer_across_a_kill_and_another_body_is_refused() {
    let program = Program::new().with("PUBLIC_URL", "http://localhost:8080");
    let mut mesh = program.start();
    let send = async |people: People, body: &str| {
        let request = people.http.post(format!("{}/api/customers/7/orders", people.base));
        let answer =
            request.header("idempotency-key", "\"once\"").body(body.to_owned()).send().await.unwrap();
        let replayed = answer.headers().get("idempotent-replayed").map(|v| v.to_str().unwrap().to_owned());
        (answer.status().as_u16(), replayed, answer.text().await.unwrap())
    };
    let body = r#"{"items": [{"id": "1", "quantity": 1}]}"#;
    let first = send(People::of(&mesh), body).await;
    assert_eq!((first.0, &first.1), (201, &None), "{first:?}");
    for _ in 0..2 {
        let replay = send(People::of(&mesh), body).await;
        assert_eq!(replay, (201, Some("true".to_owned()), first.2.clone()));
        let other = send(People::of(&mesh), r#"{"items": [{"id": "1", "quantity": 2}]}"#).await;
        assert_eq!(other.0, 422, "{other:?}");
        assert!(other.2.contains("idempotency_key_reused"), "{other:?}");
        mesh.kill();
        mesh = program.start();
    }
    let all = People::of(&mesh).get("/api/customers/7/orders").await;
    assert_eq!(all["orders"].as_array().unwrap().len(), 1, "{all}");
}

#[tokio::test]
async fn another_customer_cannot_see_follow_or_cancel_an_order() {
    let program = Program::new();
    let mesh = program.start();
    let people = People::of(&mesh);
    let order = people.order("owner", "123", 1).await;
    let foreign = Order { customer: "other".to_owned(), ..order.clone() };
    let unknown = Order { id: "ord_00000000000070008000000000000000".to_owned(), ..foreign.clone() };
    for (method, end) in [
        (Method::GET, ""),
        (Method::DELETE, ""),
        (Method::POST, "/cancel"),
        (Method::GET, "/timeline"),
        (Method::GET, "/events"),
    ] {
        for asked in [&foreign, &unknown] {
            let answer = people.send(method.clone(), &format!("{}{end}", asked.path()), None).await;
            assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{method} {end} {asked:?}");
            let problem: Value = answer.json().await.unwrap();
            assert_eq!(problem["code"], "order_not_found", "{method} {end}");
        }
    }
    assert_eq!(people.look(&order).await["status"], "waiting_payment");
    assert_eq!(people.get("/api/customers/other/orders").await["orders"], json!([]));
}
