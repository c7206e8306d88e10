//! Starts one of the three programs as a process of its own on free ports and a temporary folder.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

/// What is measured.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Program {
    Bare,
    Skeleton,
    Ordermesh,
}

impl Program {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Skeleton => "skeleton",
            Self::Ordermesh => "ordermesh",
        }
    }
}

/// A running program.
pub(crate) struct Running {
    pub(crate) program: Program,
    pub(crate) base: String,
    child: Child,
    _folder: TempDir,
}

impl Running {
    /// Where orders are posted.
    pub(crate) fn target(&self) -> String {
        match self.program {
            Program::Ordermesh => format!("{}/api/customers/bench/orders", self.base),
            Program::Bare | Program::Skeleton => format!("{}/", self.base),
        }
    }

    /// Seconds of CPU that the process has used so far.
    pub(crate) fn cpu_seconds(&self) -> f64 {
        const TICKS_PER_SECOND: f64 = 100.0;
        let stat =
            std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).expect("the process runs");
        let fields: Vec<_> =
            stat.rsplit_once(')').expect("a name in parentheses").1.split_whitespace().collect();
        let ticks = |field: usize| fields[field].parse::<f64>().expect("a count of ticks");
        (ticks(11) + ticks(12)) / TICKS_PER_SECOND
    }

    pub(crate) fn stop(mut self) {
        self.child.kill().expect("our own child");
        self.child.wait().expect("our own child");
    }
}

/// Starts the program and waits until it is ready.
pub(crate) async fn start(program: Program) -> Running {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut command = command(program, &folder);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("a built program");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let base = match program {
        Program::Ordermesh => {
            let table = lines.map(|line| line.expect("text"));
            let row = table.into_iter().find(|line| line.trim_start().starts_with("gateway"));
            row.expect("a table of addresses").split_whitespace().nth(1).expect("an address").to_owned()
        }
        Program::Bare | Program::Skeleton => {
            format!("http://{}", lines.next().expect("an address").expect("text"))
        }
    };
    let running = Running { program, base, child, _folder: folder };
    if program == Program::Ordermesh {
        fill_stock(&running.base).await;
    }
    running
}

fn command(program: Program, folder: &TempDir) -> Command {
    match program {
        Program::Ordermesh => {
            let mut command = Command::new(env!("CARGO_BIN_EXE_ordermesh"));
            for flag in ["http", "orders-grpc", "payments-grpc", "stock-grpc", "kitchen-grpc", "sandbox"] {
                command.args([format!("--{flag}-addr"), "127.0.0.1:0".to_owned()]);
            }
            command.arg("--data-dir").arg(folder.path());
            command
        }
        Program::Bare | Program::Skeleton => {
            let mut command = Command::new(std::env::current_exe().expect("this program"));
            command.arg(if program == Program::Bare { "serve-bare" } else { "serve-skeleton" });
            command
        }
    }
}

/// No order of the measurement is refused for want of stock.
async fn fill_stock(base: &str) {
    let restock = reqwest::Client::new()
        .post(format!("{base}/api/items/123/restock"))
        .json(&serde_json::json!({"quantity": 900_000_000}));
    let answer = restock.send().await.expect("the gateway answers");
    assert!(answer.status().is_success(), "restock: {}", answer.status());
}
