//! The OpenAPI document describes every route, and its browser needs no other host.

use std::collections::HashSet;

use serde_json::Value;

use crate::world::World;

/// The table of the HTTP contract.
const ROUTES: [(&str, &str); 31] = [
    ("post", "/api/customers/{customer_id}/orders"),
    ("get", "/api/customers/{customer_id}/orders"),
    ("get", "/api/customers/{customer_id}/orders/{order_id}"),
    ("delete", "/api/customers/{customer_id}/orders/{order_id}"),
    ("post", "/api/customers/{customer_id}/orders/{order_id}/cancel"),
    ("get", "/api/customers/{customer_id}/orders/{order_id}/timeline"),
    ("get", "/api/customers/{customer_id}/orders/{order_id}/events"),
    ("get", "/api/items"),
    ("get", "/api/items/{item_id}"),
    ("put", "/api/items/{item_id}"),
    ("post", "/api/items/{item_id}/restock"),
    ("get", "/api/orders"),
    ("get", "/api/orders/{order_id}"),
    ("post", "/api/orders/{order_id}/refund"),
    ("get", "/api/queues"),
    ("get", "/api/queues/{queue}/dead-letters"),
    ("get", "/api/queues/{queue}/dead-letters/{dead_letter_id}"),
    ("delete", "/api/queues/{queue}/dead-letters/{dead_letter_id}"),
    ("post", "/api/queues/{queue}/dead-letters/{dead_letter_id}/replay"),
    ("get", "/api/kitchen/tickets"),
    ("post", "/api/kitchen/tickets/{ticket_id}/start"),
    ("post", "/api/kitchen/tickets/{ticket_id}/ready"),
    ("post", "/api/kitchen/tickets/{ticket_id}/pickup"),
    ("post", "/api/kitchen/tickets/{ticket_id}/reject"),
    ("get", "/api/kitchen/events"),
    ("post", "/api/webhooks/{provider}"),
    ("post", "/webhook"),
    ("get", "/health"),
    ("get", "/ready"),
    ("get", "/stats"),
    ("get", "/metrics"),
];

async fn document(world: &World) -> Value {
    let reply = world.get("/openapi.json").await;
    assert_eq!(reply.header("content-type"), "application/json");
    reply.json()
}

#[tokio::test]
async fn the_document_is_3_1_and_describes_every_route_with_its_faults() {
    let world = World::start().await;
    let document = document(&world).await;
    assert_eq!(document["openapi"], "3.1.0");
    let mut names = HashSet::new();
    for (method, path) in ROUTES.into_iter().chain([("get", "/api/mesh")]) {
        let operation = &document["paths"][path][method];
        assert!(operation.is_object(), "{method} {path} is not described");
        assert!(names.insert(operation["operationId"].as_str().unwrap().to_owned()), "{path}");
        assert!(operation["summary"].is_string(), "{method} {path}");
        let responses = operation["responses"].as_object().unwrap();
        assert!(responses.keys().any(|status| status.starts_with('2')), "{method} {path}");
        for status in ["400", "403", "413", "500", "504"] {
            let problem = &responses[status]["content"]["application/problem+json"]["schema"]["$ref"];
            assert_eq!(problem, "#/components/schemas/ProblemDocument", "{method} {path} {status}");
        }
        let in_path = path.matches('{').count();
        let parameters = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
        assert_eq!(parameters.iter().filter(|p| p["in"] == "path").count(), in_path, "{method} {path}");
    }
    let described: usize =
        document["paths"].as_object().unwrap().values().map(|p| p.as_object().unwrap().len()).sum();
    assert_eq!(described, names.len(), "nothing else is described");
}

#[tokio::test]
async fn every_reference_of_the_document_leads_somewhere() {
    let world = World::start().await;
    let document = document(&world).await;
    let mut references = Vec::new();
    collect(&document, &mut references);
    assert!(references.len() > 50);
    for reference in references {
        assert!(document.pointer(&reference[1..]).is_some(), "{reference}");
    }
}

fn collect(value: &Value, references: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            references.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|value| collect(value, references));
        }
        Value::Array(entries) => entries.iter().for_each(|value| collect(value, references)),
        _ => {}
    }
}

#[tokio::test]
async fn the_browser_of_the_document_asks_no_other_host() {
    let world = World::start().await;
    assert_eq!(world.get("/docs").await.header("location"), "/docs/");
    for file in [
        "",
        "swagger-initializer.js",
        "swagger-ui.css",
        "swagger-ui-bundle.js",
        "swagger-ui-standalone-preset.js",
    ] {
        let reply = world.get(&format!("/docs/{file}")).await;
        assert_eq!(reply.status, 200, "{file}");
        let policy = reply.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("http"), "{policy}");
    }
    let page = world.get("/docs/").await.text() + &world.get("/docs/swagger-initializer.js").await.text();
    assert!(!page.contains("http://") && !page.contains("https://"), "{page}");
    assert!(page.contains("/openapi.json") && page.contains(r#""validatorUrl": "none""#), "{page}");
    assert_eq!(world.get("/docs/nothing.js").await.problem(), (404, "route_not_found".into()));
}
