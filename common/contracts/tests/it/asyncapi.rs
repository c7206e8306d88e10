//! `docs/asyncapi.yaml` says what the code does: every type, queue, binding and field, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use contracts::topics::{EXCHANGE, EventType, QUEUES};
use serde_json::Value;

use super::samples;

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/asyncapi.yaml");

fn document() -> Value {
    let text = std::fs::read_to_string(DOCUMENT).unwrap();
    serde_saphyr::from_str(&text).unwrap()
}

fn keys(object: &Value) -> BTreeSet<&str> {
    object.as_object().into_iter().flatten().map(|(key, _)| key.as_str()).collect()
}

fn texts(array: &Value) -> BTreeSet<&str> {
    array.as_array().into_iter().flatten().map(|text| text.as_str().unwrap()).collect()
}

/// What a `$ref` points to.
fn follow<'a>(document: &'a Value, object: &'a Value) -> &'a Value {
    match object["$ref"].as_str() {
        Some(reference) => {
            let target = document.pointer(reference.trim_start_matches('#'));
            follow(document, target.unwrap_or_else(|| panic!("{reference} points nowhere")))
        }
        None => object,
    }
}

fn types_where(taken: impl Fn(&str) -> bool) -> BTreeSet<&'static str> {
    EventType::ALL.iter().map(|event| event.as_str()).filter(|text| taken(text)).collect()
}

/// The patterns that the topology uses: a whole type, one word behind a dot, or everything.
fn is_bound(pattern: &str, event_type: &str) -> bool {
    let (family, _) = event_type.split_once('.').unwrap();
    pattern == "#" || pattern == event_type || pattern == format!("{family}.*")
}

#[test]
fn the_document_lists_every_event_type_and_no_other() {
    let document = document();
    let all = types_where(|_| true);
    assert_eq!(keys(&document["components"]["messages"]), all);
    let events = &document["channels"]["events"];
    assert_eq!(texts(&events["parameters"]["type"]["enum"]), all);
    assert_eq!(keys(&events["messages"]), all);
    assert_eq!(events["bindings"]["amqp"]["exchange"]["name"], EXCHANGE);
}

#[test]
fn the_document_lists_every_queue_with_its_bindings_and_the_types_they_let_in() {
    let document = document();
    let mut channels = keys(&document["channels"]);
    assert!(channels.remove("events"));
    assert_eq!(channels, QUEUES.iter().map(|queue| queue.name).collect());
    for queue in QUEUES {
        let channel = &document["channels"][queue.name];
        assert_eq!(texts(&channel["x-bindings"]), queue.bindings.iter().copied().collect(), "{}", queue.name);
        assert_eq!(channel["bindings"]["amqp"]["queue"]["name"], queue.name);
        let taken = types_where(|event| queue.bindings.iter().any(|binding| is_bound(binding, event)));
        assert_eq!(keys(&channel["messages"]), taken, "{}", queue.name);
    }
}

#[test]
fn every_reference_points_somewhere_and_every_message_to_its_own_data() {
    let document = document();
    check_references(&document, &document);
    let messages = document["components"]["messages"].as_object().unwrap();
    for (name, message) in messages {
        let schema = message["payload"]["$ref"].as_str().unwrap().rsplit('/').next().unwrap();
        let expected = match name.split_once('.').unwrap() {
            ("stock", "low") => "StockLow",
            ("order", _) => "OrderEvent",
            ("stock", _) => "StockEvent",
            ("payment", _) => "PaymentEvent",
            _ => "TicketEvent",
        };
        assert_eq!((message["name"].as_str().unwrap(), schema), (name.as_str(), expected));
    }
}

fn check_references(document: &Value, part: &Value) {
    match part {
        Value::Object(object) => {
            follow(document, part);
            object.values().for_each(|value| check_references(document, value));
        }
        Value::Array(array) => array.iter().for_each(|value| check_references(document, value)),
        _ => {}
    }
}

#[test]
fn the_schemas_are_those_of_the_data() {
    let document = document();
    let mut described = BTreeMap::new();
    for (schema, full, bare) in samples::all() {
        let schema = &document["components"]["schemas"][schema];
        compare(&document, schema, &full, &bare, &mut described);
    }
    let schemas = keys(&document["components"]["schemas"]).len();
    assert_eq!(
        described.len() + 1,
        schemas,
        "besides the headers, a schema that no sample shows: {described:?}"
    );
}

/// Compares an object's schema with its fullest and its barest data, and those within.
fn compare<'a>(
    document: &'a Value,
    schema: &'a Value,
    full: &Value,
    bare: &Value,
    described: &mut BTreeMap<*const Value, BTreeSet<&'a str>>,
) {
    let schema = follow(document, schema);
    assert!(fits(schema, full), "{schema} is not the type of {full}");
    if let Some(items) = full.as_array() {
        let bare_item = bare.get(0).unwrap_or(&items[0]);
        return compare(document, &schema["items"], &items[0], bare_item, described);
    }
    let Some(object) = full.as_object() else { return };
    assert_eq!(keys(&schema["properties"]), keys(full), "the fields of {schema}");
    described.insert(std::ptr::from_ref(schema), keys(&schema["properties"]));
    if keys(bare).is_subset(&keys(full)) && bare.is_object() {
        assert_within(&texts(&schema["required"]), &keys(bare), full == bare, schema);
    }
    for (name, value) in object {
        let bare_value = bare.get(name).unwrap_or(value);
        compare(document, &schema["properties"][name], value, bare_value, described);
    }
}

/// What is required is what even the barest data has. Where there is no barer sample (an object within one that may
/// be absent as a whole), required fields must at least be there.
fn assert_within(required: &BTreeSet<&str>, bare: &BTreeSet<&str>, no_barer: bool, schema: &Value) {
    assert!(required.is_subset(bare), "required and yet absent at times: {schema}");
    assert!(no_barer || required == bare, "always there and not required: {schema}");
}

fn fits(schema: &Value, value: &Value) -> bool {
    match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("boolean") => value.is_boolean(),
        _ => false,
    }
}
