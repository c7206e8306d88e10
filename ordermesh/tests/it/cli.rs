//! The program as a script or an operator meets it: commands, exit codes, and one clear line for what is wrong.

use std::{fs, net::TcpListener};

use reqwest::StatusCode;
use serde_json::Value;

use crate::support::{People, Program, Running};

/// One try that must be refused: what is given, and what the line must name.
struct Refusal {
    args: &'static [&'static str],
    settings: &'static [(&'static str, &'static str)],
    file: Option<(&'static str, &'static str)>,
    names: &'static str,
}

const PLAIN: Refusal = Refusal { args: &[], settings: &[], file: None, names: "" };

const REFUSALS: &[Refusal] = &[
    Refusal { args: &["--checkout-ttl-s", "5"], names: "CHECKOUT_TTL_S", ..PLAIN },
    Refusal { settings: &[("HTTP_ADDR", "nonsense")], names: "HTTP_ADDR", ..PLAIN },
    Refusal { settings: &[("HTTP_ADDR", "0.0.0.0:0")], names: "HTTP_ADDR", ..PLAIN },
    Refusal { settings: &[("STOCK_GRPC_ADDR", "0.0.0.0:0")], names: "STOCK_GRPC_ADDR", ..PLAIN },
    Refusal { settings: &[("RABBITMQ_URL", "amqp://127.0.0.1")], names: "RABBITMQ_URL", ..PLAIN },
    Refusal { file: Some((".env", "REQUEST_DEADLINE_MS=soon\n")), names: "REQUEST_DEADLINE_MS", ..PLAIN },
    Refusal { file: Some((".env", "half a 'line\n")), names: ".env", ..PLAIN },
    Refusal {
        args: &["--config", "mesh.toml"],
        file: Some(("mesh.toml", "htp_addr = \"127.0.0.1:0\"\n")),
        names: "htp_addr",
        ..PLAIN
    },
    Refusal { args: &["--config", "none.toml"], names: "none.toml", ..PLAIN },
    Refusal { args: &["gateway"], names: "ORDERS_ADDRS", ..PLAIN },
    Refusal { args: &["orders"], names: "orders", ..PLAIN },
    Refusal { args: &["payments"], names: "payments", ..PLAIN },
    Refusal { args: &["stock"], names: "stock", ..PLAIN },
    Refusal { args: &["kitchen"], names: "kitchen", ..PLAIN },
    Refusal { args: &["verify"], names: "DATA_DIR", ..PLAIN },
];

/// Runs it and expects exit code 2, nothing on stdout and one line on stderr that names what to change.
fn assert_refused(program: &Program, args: &[&str], names: &str) {
    let (code, out, err) = program.run(args);
    assert_eq!((code, out.as_str()), (2, ""), "{args:?} {names}: {err}");
    assert_eq!(err.lines().count(), 1, "{args:?}: {err}");
    assert!(err.contains(names), "{args:?} should name {names}: {err}");
}

#[test]
fn what_someone_must_change_is_one_line_and_exit_code_two() {
    for refusal in REFUSALS {
        let settings = refusal.settings.iter();
        let program = settings.fold(Program::new(), |program, (name, value)| program.with(name, *value));
        if let Some((name, text)) = refusal.file {
            fs::write(program.folder.path().join(name), text).unwrap();
        }
        assert_refused(&program, refusal.args, refusal.names);
        assert!(!program.folder.path().join("data").exists(), "{}: nothing was begun", refusal.names);
    }
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for (flag, name) in [("--http-addr", "HTTP_ADDR"), ("--kitchen-grpc-addr", "KITCHEN_GRPC_ADDR")] {
        assert_refused(&Program::new(), &[flag, &address], name);
        assert_refused(&Program::new(), &[flag, &address], &address);
    }
}

#[test]
fn help_names_each_command_and_an_unknown_one_is_a_usage_error() {
    let program = Program::new();
    let (code, out, _) = program.run(&["--help"]);
    assert_eq!(code, 0);
    for name in [
        "up", "gateway", "orders", "payments", "stock", "kitchen", "sandbox", "demo", "verify", "config",
        "dlq", "ps", "order", "doctor",
    ] {
        let is_command = |line: &str| line.trim_start().starts_with(&format!("{name} "));
        assert!(out.lines().any(is_command), "{name} is not in the help:\n{out}");
    }
    for args in [["--nonsense"], ["nonsense"]] {
        let (code, out, err) = program.run(&args);
        assert_eq!((code, out.as_str()), (2, ""), "{args:?}: {err}");
        assert!(err.contains("nonsense"), "{err}");
    }
}

#[test]
fn config_says_where_each_value_came_from_and_hides_secrets() {
    let program = Program::new().with("STRIPE_SECRET_KEY", "sk_test_hidden").with("CHECKOUT_TTL_S", "2400");
    fs::write(program.folder.path().join(".env"), "REQUEST_DEADLINE_MS=4000\nCHECKOUT_TTL_S=2300\n").unwrap();
    fs::write(program.folder.path().join("mesh.toml"), "reconcile_interval_s = 7\n").unwrap();
    let args = ["config", "--config", "mesh.toml", "--log-level", "warn"];
    let (code, text, err) = program.run(&args);
    assert_eq!(code, 0, "{err}");
    assert!(!text.contains("sk_test_hidden"), "{text}");
    let (code, json, err) = program.run(&[&args[..], &["--json"]].concat());
    assert_eq!(code, 0, "{err}");
    assert!(!json.contains("sk_test_hidden"), "{json}");
    let rows: Value = serde_json::from_str(&json).unwrap();
    for (name, value, origin) in [
        ("CHECKOUT_TTL_S", "2400", "environment CHECKOUT_TTL_S"),
        ("REQUEST_DEADLINE_MS", "4000", ".env"),
        ("RECONCILE_INTERVAL_S", "7", "file mesh.toml"),
        ("LOG_LEVEL", "warn", "flag"),
        ("DATA_DIR", "./data", "default"),
    ] {
        let row = rows.as_array().unwrap().iter().find(|row| row["name"] == name).unwrap();
        assert_eq!((row["value"].as_str(), row["origin"].as_str()), (Some(value), Some(origin)), "{name}");
        let is_row = |line: &str| {
            line.starts_with(name) && line.contains(value) && line.ends_with(&format!("({origin})"))
        };
        assert!(text.lines().any(is_row), "{name}: {text}");
    }
}

#[test]
fn the_demo_walks_through_a_mesh_of_its_own_and_leaves_nothing_behind() {
    let program = Program::new();
    let (code, out, err) = program.run(&["demo", "--json"]);
    assert_eq!(code, 0, "{out}{err}");
    let steps: Value = serde_json::from_str(&out).unwrap();
    let last = steps.as_array().unwrap().last().unwrap();
    assert!(last["result"].as_str().unwrap().ends_with("completed"), "{last}");
    assert!(!program.folder.path().join("data").exists());
}

#[tokio::test]
async fn the_sandbox_serves_alone() {
    let sandbox = Program::new().start_role("sandbox", &[("METRICS_ADDR", "127.0.0.1:0")]);
    assert_probes_answer(&sandbox).await;
    let http = reqwest::Client::new();
    let base = sandbox.address("sandbox");
    let events = http.get(format!("{base}/v1/events")).header("authorization", "Bearer sk_test_any");
    let events: Value = events.send().await.unwrap().json().await.unwrap();
    assert_eq!(events["object"], "list", "{events}");
    assert!(sandbox.terminate().success());
}

/// What `METRICS_ADDR` serves, for any role.
async fn assert_probes_answer(running: &Running) {
    let base = running.address("metrics");
    for path in ["health", "ready", "metrics"] {
        let answer = reqwest::get(format!("{base}/{path}")).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn commands_and_a_second_gateway_work_beside_a_running_mesh() {
    let program = Program::new();
    let mesh = program.start_with(&[("METRICS_ADDR", "127.0.0.1:0")]);
    assert_probes_answer(&mesh).await;
    assert_refused(&program, &["up"], "DATA_DIR");
    assert_refused(&program, &["verify"], "DATA_DIR");
    let (code, out, err) = program.run(&["demo", "--public-url", &mesh.address("gateway")]);
    assert_eq!(code, 0, "{out}{err}");
    let people = People::of(&mesh);
    let walked = people.get("/api/customers/demo/orders").await;
    assert_eq!(walked["orders"][0]["status"], "completed", "{walked}");
    let gateway = start_gateway(&program, &mesh);
    let here = People { base: gateway.address("gateway"), ..people };
    assert_eq!(here.get("/ready").await["ready"], true);
    let order = here.order("2", "123", 1).await;
    assert_eq!(here.pay(&order, "4242424242424242").await, StatusCode::SEE_OTHER);
    here.reach(&order, "paid").await;
    assert!(gateway.terminate().success());
    assert!(mesh.terminate().success(), "SIGTERM is a clean end: {}", program.log());
    program.assert_books_are_clean();
    let (code, json, err) = program.run(&["verify", "--json"]);
    assert_eq!(code, 0, "{err}");
    let report: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(report["violations"], serde_json::json!([]));
}

fn start_gateway(program: &Program, mesh: &Running) -> Running {
    let peers = ["orders", "payments", "stock", "kitchen"]
        .map(|name| (format!("{}_ADDRS", name.to_uppercase()), mesh.address(name)));
    let peers = peers.each_ref().map(|(name, address)| (name.as_str(), address.as_str()));
    program.start_role("gateway", &peers)
}
