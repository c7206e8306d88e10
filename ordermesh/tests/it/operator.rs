//! The operator commands, run as a person runs them, against meshes that are well and meshes that are not.

use std::{fs, sync::Arc};

use bus::Event;
use contracts::service::ORDERS;
use serde_json::{Value, json};
use store::Collection;

use crate::support::{Mesh, People, Program, Running, eventually};

const CARD: &str = "4242424242424242";

/// Someone at a terminal, who names the gateway with each command.
struct Operator<'a> {
    program: &'a Program,
    gateway: String,
}

impl Operator<'_> {
    /// Exit code, stdout, stderr.
    fn run(&self, args: &[&str]) -> (i32, String, String) {
        let args = [args, &["--public-url", &self.gateway]].concat();
        tokio::task::block_in_place(|| self.program.run(&args))
    }

    fn text(&self, args: &[&str]) -> String {
        let (code, out, err) = self.run(args);
        assert_eq!((code, err.as_str()), (0, ""), "{args:?}: {out}");
        out
    }

    fn json(&self, args: &[&str]) -> Value {
        let out = self.text(&[args, &["--json"]].concat());
        serde_json::from_str(&out).unwrap_or_else(|_| panic!("{args:?} is not JSON: {out}"))
    }

    /// Expects this exit code, nothing on stdout, and one line on stderr that says this.
    fn refused(&self, args: &[&str], code: i32, says: &str) {
        let (found, out, err) = self.run(args);
        assert_eq!((found, out.as_str(), err.lines().count()), (code, "", 1), "{args:?}: {err}");
        assert!(err.contains(says), "{args:?} should say {says:?}: {err}");
    }

    fn letters(&self, queue: &str) -> Vec<Value> {
        let mut listed = self.json(&["dlq", "list", queue]);
        listed["dead_letters"].as_array_mut().map(std::mem::take).unwrap_or_else(|| panic!("{listed}"))
    }

    /// Waits until a queue has this many dead letters.
    async fn until_letters(&self, queue: &str, count: usize) -> Vec<Value> {
        eventually(&format!("{queue} has {count} dead letters"), || async {
            Some(self.letters(queue)).filter(|letters| letters.len() == count)
        })
        .await
    }
}

/// An event that no reader of orders can decode.
fn poison(mesh: &Mesh) -> Event {
    let platform = mesh.running.platform();
    Event {
        id: platform.ids.mint(),
        event_type: "order.paid".to_owned(),
        source: "/orders".to_owned(),
        subject: "poison".to_owned(),
        time: platform.clock.now(),
        sequence: 1,
        traceparent: None,
        data: Arc::from(serde_json::value::to_raw_value("nonsense").unwrap()),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poison_message_is_listed_with_its_reason_dies_again_when_replayed_and_is_purged() {
    let (mesh, program) = (Mesh::start().await, Program::new());
    let operator = Operator { program: &program, gateway: mesh.people().base };
    assert!(operator.text(&["dlq", "list"]).contains("no dead letters in "));
    mesh.running.platform().bus.publish(&[poison(&mesh)]).await.remove(0).unwrap();
    let letter = operator.until_letters("stock.orders", 1).await.remove(0);
    assert!(letter["reason"].as_str().unwrap().contains("the event cannot be read"), "{letter}");
    assert_eq!((&letter["attempts"], &letter["event"]["data"]), (&json!(1), &json!("nonsense")));
    let id = letter["id"].as_str().unwrap();
    let listed = operator.text(&["dlq", "list"]);
    assert!(listed.lines().any(|l| l.starts_with("stock.orders ") && l.contains(id)), "{listed}");
    let shown = operator.text(&["dlq", "show", "stock.orders", id]);
    assert!(shown.contains("the event cannot be read") && shown.contains("\"order.paid\""), "{shown}");
    let replayed = operator.json(&["dlq", "replay", "stock.orders", id]);
    assert_eq!(replayed, json!({"queue": "stock.orders", "replayed": 1, "failed": []}));
    operator.refused(&["dlq", "replay", "stock.orders", id], 1, "no dead letter");
    let again = operator.until_letters("stock.orders", 1).await.remove(0);
    assert_ne!(again["id"], letter["id"], "it died anew");
    let id = again["id"].as_str().unwrap();
    assert_eq!(operator.text(&["dlq", "purge", "stock.orders", id]), "stock.orders: 1 purged\n");
    assert_eq!(operator.letters("stock.orders"), Vec::<Value>::new());
    operator.refused(&["dlq", "purge", "stock.orders", id], 1, "no dead letter");
    operator.refused(&["dlq", "show", "stock.orders", id], 1, "no dead letter");
    operator.refused(&["dlq", "list", "nowhere"], 2, "no queue nowhere");
    operator.refused(&["dlq", "replay", "nowhere", "--all"], 2, "no queue nowhere");
    operator.until_letters("kitchen.orders", 1).await;
    assert_eq!(operator.json(&["dlq", "purge", "kitchen.orders", "--all"])["purged"], 1);
    mesh.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_failed_on_a_broken_store_takes_effect_when_it_is_replayed_after_the_repair() {
    let (mesh, program) = (Mesh::start().await, Program::new());
    let operator = Operator { program: &program, gateway: mesh.people().base };
    let audit = Collection("audit");
    let kept = async || {
        mesh.running.platform().store(&orders::SCHEMA).unwrap().count(audit, None, "").await.unwrap()
    };
    mesh.stores.of(ORDERS).refuse(audit);
    mesh.people().order("2", "123", 1).await;
    let letters = operator.until_letters("orders.audit", 3).await;
    assert_eq!(kept().await, 0, "nothing was kept: {letters:?}");
    mesh.stores.of(ORDERS).heal();
    let replayed = operator.json(&["dlq", "replay", "orders.audit", "--all"]);
    assert_eq!(replayed, json!({"queue": "orders.audit", "replayed": 3, "failed": []}));
    eventually("all three are kept", || async { (kept().await == 3).then_some(()) }).await;
    assert_eq!(operator.letters("orders.audit"), Vec::<Value>::new());
    mesh.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_is_shown_with_all_its_parts_and_ps_names_every_service() {
    let program = Program::new();
    let mesh = program.start();
    let (people, operator) =
        (People::of(&mesh), Operator { program: &program, gateway: mesh.address("gateway") });
    let order = people.order("2", "123", 2).await;
    people.pay(&order, CARD).await;
    people.ticket(&order, "queued").await;
    people.reach(&order, "paid").await;
    let file = operator.json(&["order", &order.id]);
    assert_eq!((&file["order"]["status"], &file["missing"]), (&json!("paid"), &json!([])));
    assert_eq!(
        (&file["payment"]["state"], &file["payment"]["checkout_attempts"]),
        (&json!("succeeded"), &json!(1))
    );
    assert_eq!(
        (&file["ticket"]["state"], file["order"]["trace_id"].as_str().unwrap().len()),
        (&json!("queued"), 32)
    );
    let page = operator.text(&["order", &order.id]);
    for part in ["status     paid", &order.ticket(), "cs_", "waiting_payment", "trace  ", "SUBTOTAL"] {
        assert!(page.contains(part), "{part:?} is not in\n{page}");
    }
    operator.refused(&["order", "ord_00000000000070008000000000000000"], 1, "no such order");
    operator.refused(&["order", "7"], 2, "not an order's id");
    let instances = operator.json(&["ps"])["instances"].take();
    for service in ["orders", "payments", "stock", "kitchen"] {
        let found = instances.as_array().unwrap().iter().find(|i| i["service"] == service).unwrap();
        assert_eq!(found["address"], mesh.address(service), "{instances}");
        assert_eq!(found["status"], "connected", "{instances}");
    }
    assert!(operator.text(&["ps"]).starts_with("SERVICE"));
    operator_without_a_mesh(&program, mesh);
}

fn operator_without_a_mesh(program: &Program, mesh: Running) {
    let operator = Operator { program, gateway: mesh.address("gateway") };
    assert!(mesh.terminate().success());
    for args in [&["ps"][..], &["dlq", "list"], &["order", "ord_00000000000070008000000000000000"]] {
        operator.refused(args, 1, "--public-url");
    }
}

/// The checks of one report by their names.
fn check<'a>(report: &'a Value, name: &str) -> &'a Value {
    let checks = report["checks"].as_array().unwrap();
    checks.iter().find(|check| check["check"] == name).unwrap_or_else(|| panic!("no {name} in {report}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doctor_finds_a_mesh_well_and_says_what_to_fix_when_it_is_gone() {
    let program = Program::new();
    let mesh = program.start();
    let operator = Operator { program: &program, gateway: mesh.address("gateway") };
    let sandbox = mesh.address("sandbox").replace("http://", "");
    let args = ["doctor", "--sandbox-addr", &sandbox];
    let report = operator.json(&args);
    assert_eq!(report["healthy"], true, "{report}");
    assert_eq!(check(&report, "gateway")["version"], env!("CARGO_PKG_VERSION"), "{report}");
    assert!(check(&report, "ready")["found"].as_str().unwrap().contains("TEST MODE"), "{report}");
    for (name, found) in [("sandbox", "takes the key"), ("data folder", &*format!("process {}", mesh.pid()))]
    {
        assert!(check(&report, name)["found"].as_str().unwrap().contains(found), "{report}");
    }
    assert!(mesh.terminate().success());
    fs::write(program.folder.path().join("file"), "").unwrap();
    let (code, out, err) = operator.run(&[&args[..], &["--data-dir", "file"]].concat());
    assert_eq!((code, err.as_str()), (1, "ordermesh: 4 of 5 checks failed\n"), "{out}");
    for name in ["gateway", "ready", "sandbox", "data folder"] {
        let mut lines = out.lines().skip_while(|line| !line.starts_with(&format!("FAIL  {name} ")));
        assert!(lines.next().is_some(), "{name} did not fail:\n{out}");
        assert!(lines.next().is_some_and(|fix| fix.trim().starts_with('→')), "{name} has no fix:\n{out}");
    }
}
