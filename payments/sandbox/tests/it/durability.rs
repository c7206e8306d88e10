//! What was answered is remembered, also when the process is killed.

use std::{
    collections::HashMap,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
};

use axum::body::Body;
use common::{Clock, SystemClock, SystemRandom};
use http::{Request, StatusCode, header};
use http_body_util::BodyExt as _;
use sandbox::{Sandbox, open_store, verify};
use tower::ServiceExt as _;

use crate::support::{LINE, VISA, config};

/// Tells the test program that it is the process to be killed, and where it writes.
const FOLDER: &str = "SANDBOX_KILL_FOLDER";
const BUYERS: usize = 8;
/// Acknowledged lines after which the process is killed.
const ACKS: usize = 400;

fn open(folder: &Path) -> Sandbox {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let store = open_store(folder, Arc::clone(&clock)).unwrap();
    // An address nobody listens at: every event stays pending.
    let config = config(Some("http://127.0.0.1:9/hook".to_owned()));
    Sandbox::new(&config, store, clock, Arc::new(SystemRandom)).unwrap()
}

async fn post(sandbox: &Sandbox, path: &str, form: String, key: &str) -> (StatusCode, String) {
    let request = Request::post(path)
        .header(header::AUTHORIZATION, "Bearer sk_test_1")
        .header("idempotency-key", key)
        .body(Body::from(form))
        .unwrap();
    let response = sandbox.router().oneshot(request).await.unwrap();
    let status = response.status();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(bytes.to_vec()).unwrap())
}

fn order(reference: &str) -> String {
    format!("mode=payment&client_reference_id={reference}&success_url=http://a.b/&{LINE}")
}

async fn create(sandbox: &Sandbox, reference: &str) -> String {
    let (status, body) = post(sandbox, "/v1/checkout/sessions", order(reference), reference).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let json: serde_json::Value = serde_json::from_str(&body).unwrap();
    json["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn nothing_answered_is_forgotten_and_nothing_is_charged_twice_when_the_process_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = buyers(folder.path());
    let mut sessions = HashMap::new();
    let mut paid = Vec::new();
    for (count, line) in
        BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok).enumerate()
    {
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["created", reference, id] => drop(sessions.insert(reference.to_owned(), id.to_owned())),
            ["paid", reference] => paid.push(reference.to_owned()),
            _ => {}
        }
        if count == ACKS {
            // What it had told before it died is still read from the pipe.
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(sessions.len() > ACKS / 4, "the buyers were killed, they did not end before");

    let sandbox = open(folder.path());
    for (reference, id) in &sessions {
        assert_eq!(&create(&sandbox, reference).await, id, "the key replays the session");
        let (status, _) = post(&sandbox, &format!("/c/pay/{id}"), VISA.to_owned(), "").await;
        let expected = if paid.contains(reference) { StatusCode::CONFLICT } else { status };
        assert_eq!(status, expected, "{reference} was paid before");
    }
    let charges = verify::charges(&sandbox.store()).await.unwrap();
    let report = verify::check(&sandbox.store()).await.unwrap();
    assert!(report.is_clean(), "{report:?}");
    assert_eq!(report.in_flight.len(), charges.len(), "one undelivered event for each charge");
}

fn buyers(folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "durability::buyers_that_get_killed", "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "runs as the process that the test before kills"]
async fn buyers_that_get_killed() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let sandbox = Arc::new(open(Path::new(&folder)));
    let buy = |buyer: usize| {
        let sandbox = Arc::clone(&sandbox);
        tokio::spawn(async move {
            for number in 0.. {
                let reference = format!("ord_{buyer}_{number}");
                let id = create(&sandbox, &reference).await;
                tell(&format!("created {reference} {id}"));
                let (status, _) = post(&sandbox, &format!("/c/pay/{id}"), VISA.to_owned(), "").await;
                assert_eq!(status, StatusCode::SEE_OTHER);
                tell(&format!("paid {reference}"));
            }
        })
    };
    for buyer in (0..BUYERS).map(buy).collect::<Vec<_>>() {
        buyer.await.unwrap();
    }
}

/// One write per line, so that no line is torn by another.
fn tell(line: &str) {
    let _ = std::io::stdout().write_all(format!("{line}\n").as_bytes());
}
