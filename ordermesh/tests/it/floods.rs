//! Floods, slow clients and garbage: each ends in a clear refusal or a closed connection, and the mesh goes on.

use std::{
    io::{self, Write as _},
    net::TcpStream,
    thread,
    time::Duration,
};

use reqwest::StatusCode;

use crate::support::{People, Program, Running, talk};

const GOOD_CARD: &str = "4242424242424242";
const ORDERS: &str = "/api/customers/2/orders";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn floods_end_in_a_refusal_or_a_closed_connection_and_cost_no_memory() {
    let program = Program::new();
    let mesh = program.start();
    let people = People::of(&mesh);
    people.order("2", "123", 1).await;
    talk(&people.base, garbage_writer(0));
    let before = resident_kib(&mesh);
    let base = people.base.as_str();
    thread::scope(|scope| {
        for flood in [slow_head, slow_body, huge_body, huge_chunks, deep_json, many_fields, endless_field] {
            scope.spawn(move || flood(base));
        }
    });
    for seed in 0..500 {
        let answer = talk(base, garbage_writer(seed));
        assert!(!answer.starts_with("HTTP/1.1 5"), "seed {seed}: {answer}");
    }
    let grown = resident_kib(&mesh).saturating_sub(before);
    assert!(grown < 40 * 1024, "{grown} KiB more than before");
    let order = people.order("2", "123", 1).await;
    assert_eq!(people.pay(&order, GOOD_CARD).await, StatusCode::SEE_OTHER);
    people.reach(&order, "paid").await;
    assert!(mesh.terminate().success());
    program.assert_books_are_clean();
}

fn head(announced: &str) -> String {
    format!("POST {ORDERS} HTTP/1.1\r\nHost: localhost\r\n{announced}\r\n\r\n")
}

/// Writes a byte now and then until the server has had enough.
fn trickle(stream: &mut TcpStream) -> io::Result<()> {
    loop {
        stream.write_all(b"1")?;
        thread::sleep(Duration::from_millis(500));
    }
}

fn slow_head(base: &str) {
    let answer = talk(base, |stream| {
        stream.write_all(b"GET /health HTTP/1.1\r\nX-Slow: ")?;
        trickle(stream)
    });
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
}

fn slow_body(base: &str) {
    let answer = talk(base, |stream| {
        stream.write_all(head("Content-Length: 1000").as_bytes())?;
        trickle(stream)
    });
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("malformed_json"), "{answer}");
}

const HUGE: usize = 100 << 20;

fn huge_body(base: &str) {
    let answer = talk(base, |stream| {
        stream.write_all(head(&format!("Content-Length: {HUGE}")).as_bytes())?;
        let block = vec![b' '; 1 << 16];
        (0..HUGE / block.len()).try_for_each(|_| stream.write_all(&block))
    });
    assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("body_too_large"), "{answer}");
}

fn huge_chunks(base: &str) {
    let answer = talk(base, |stream| {
        stream.write_all(head("Transfer-Encoding: chunked").as_bytes())?;
        let block = [b"10000\r\n".as_slice(), &[b' '; 1 << 16], b"\r\n"].concat();
        (0..HUGE >> 16).try_for_each(|_| stream.write_all(&block))
    });
    assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("body_too_large"), "{answer}");
}

fn deep_json(base: &str) {
    let deep = "[".repeat(10_000) + &"]".repeat(10_000);
    for body in [deep.clone(), format!("{{\"items\": {deep}}}"), r#"{"a":"#.repeat(10_000)] {
        let sent = head(&format!("Content-Length: {}", body.len())) + &body;
        let answer = talk(base, |stream| stream.write_all(sent.as_bytes()));
        assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("malformed_json"), "{answer}");
    }
}

fn many_fields(base: &str) {
    let sent = head(&format!("Content-Length: 0{}", "\r\nX-A: b".repeat(1000)));
    let answer = talk(base, |stream| stream.write_all(sent.as_bytes()));
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
}

fn endless_field(base: &str) {
    let answer = talk(base, |stream| {
        stream.write_all(b"GET /health HTTP/1.1\r\nX-Endless: ")?;
        loop {
            stream.write_all(&[b'a'; 1 << 12])?;
        }
    });
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
}

/// Resident memory of the process.
fn resident_kib(mesh: &Running) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", mesh.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// A well-framed request of nonsense that ends its connection; the same for the same seed.
fn garbage_writer(seed: u64) -> impl FnOnce(&mut TcpStream) -> io::Result<()> + Send {
    let mut dice = Dice(seed);
    let method = dice.pick(&["GET", "POST", "POST", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"]);
    let target: String = (0..=dice.below(6)).map(|_| format!("/{}", dice.pick(SEGMENTS))).collect();
    let target = [target.as_str(), ORDERS, "/api/items/2", "/webhook"][dice.below(4)].to_owned();
    let query = dice.pick(&["", "", "?limit=x", "?cursor=%00", "?status=paid&status=paid", "?%ff=%zz"]);
    let field =
        dice.pick(&["content-type", "idempotency-key", "last-event-id", "x-request-id", "origin", "te"]);
    let value: Vec<u8> =
        (0..dice.below(40)).map(|_| dice.byte()).filter(|b| !b"\r\n\0".contains(b)).collect();
    let body: Vec<u8> = match dice.below(3) {
        0 => (0..dice.below(300)).map(|_| dice.byte()).collect(),
        1 => (0..dice.below(60)).flat_map(|_| dice.pick(TOKENS).bytes()).collect(),
        _ => format!("{{\"items\":[{{\"id\":{},\"quantity\":{}}}]}}", dice.pick(TOKENS), dice.pick(TOKENS))
            .into(),
    };
    let head = format!(
        "{method} {target}{query} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n{field}: ",
        body.len()
    );
    let sent = [head.as_bytes(), &value, b"\r\n\r\n", &body].concat();
    move |stream| stream.write_all(&sent)
}

const SEGMENTS: &[&str] = &[
    "api",
    "customers",
    "orders",
    "items",
    "kitchen",
    "tickets",
    "cancel",
    "timeline",
    "refund",
    "restock",
    "start",
    "reject",
    "webhooks",
    "stripe",
    "stats",
    "ready",
    "docs",
    "2",
    "",
    "%00",
    "%ff",
    "%2F",
    "..",
    "~",
];
const TOKENS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"items\"",
    "\"id\"",
    "\"quantity\"",
    "\"2\"",
    "2",
    "-1",
    "1e999",
    "0.5",
    "null",
    "true",
    "\"\\ud800\"",
    "99999999999999999999",
    "\"note\"",
    "\"",
    "\\",
    " ",
];

/// SplitMix64: chance that repeats.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).expect("less than a usize")
    }

    fn pick(&mut self, from: &[&'static str]) -> &'static str {
        from[self.below(from.len())]
    }
}
