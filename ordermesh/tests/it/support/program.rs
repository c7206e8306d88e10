//! The program as a process of its own, on free ports and a temporary folder.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use tempfile::TempDir;

use super::People;

/// How long a mesh may take to be ready; a debug build on a busy machine is slow.
const START: Duration = Duration::from_secs(60);

/// What is started, again and again on the same folder.
pub(crate) struct Program {
    pub(crate) folder: TempDir,
    settings: Vec<(String, String)>,
}

/// A started program. Killed, as with `kill -9`, when it is dropped.
pub(crate) struct Running {
    child: Child,
    /// The rows of its table of addresses: name and value.
    table: Vec<(String, String)>,
}

impl Program {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder"), settings: Vec::new() }
    }

    /// Sets an environment variable of the program.
    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.settings.push((name.to_owned(), value.into()));
        self
    }

    /// The command with free ports, the folder, and nothing of this process's environment that is a setting.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ordermesh"));
        command.args(args).current_dir(self.folder.path()).env_clear();
        for name in ["HTTP", "ORDERS_GRPC", "PAYMENTS_GRPC", "STOCK_GRPC", "KITCHEN_GRPC", "SANDBOX"] {
            command.env(format!("{name}_ADDR"), "127.0.0.1:0");
        }
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Starts the mesh and waits until it is ready.
    pub(crate) fn start(&self) -> Running {
        self.start_with(&[])
    }

    /// Starts the mesh with further environment variables for this run only.
    pub(crate) fn start_with(&self, settings: &[(&str, &str)]) -> Running {
        self.launch("up", "log", settings)
    }

    /// Starts one role alone and waits until it says where it is ready.
    pub(crate) fn start_role(&self, role: &str, settings: &[(&str, &str)]) -> Running {
        self.launch(role, &format!("{role}.log"), settings)
    }

    fn launch(&self, name: &str, log: &str, settings: &[(&str, &str)]) -> Running {
        let log = self.folder.path().join(log);
        let mut command = self.command(&[name]);
        command.envs(settings.iter().copied()).stdout(Stdio::piped());
        command.stderr(std::fs::File::create(&log).expect("a log file"));
        let mut child = command.spawn().expect("a built program");
        let table = read_table(&mut child).unwrap_or_else(|| {
            let log = std::fs::read_to_string(&log).unwrap_or_default();
            panic!("{name} did not start:\n{log}")
        });
        Running { child, table }
    }

    /// Runs a command to its end: exit code, stdout, stderr.
    pub(crate) fn run(&self, args: &[&str]) -> (i32, String, String) {
        let output = self.command(args).output().expect("a built program");
        let text = |bytes| String::from_utf8(bytes).expect("text");
        (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
    }

    /// Checks the books of a mesh that is not running.
    pub(crate) fn assert_books_are_clean(&self) {
        let (code, out, err) = self.run(&["verify"]);
        assert_eq!(code, 0, "{out}{err}");
    }

    /// What the newest run has logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

/// Reads until the line that says what to try, or the only one of a role, in a thread, so that a program that hangs is
/// an error and not a hang.
fn read_table(child: &mut Child) -> Option<Vec<(String, String)>> {
    let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut rows = Vec::new();
        for line in lines.map_while(Result::ok) {
            if line.starts_with("Try:") {
                let _ = sender.send(rows);
                return;
            }
            if let Some((role, address)) = line.split_once(" is ready at ") {
                rows.push((role.trim_start_matches("ordermesh ").to_owned(), address.to_owned()));
                let _ = sender.send(rows);
                return;
            }
            if let Some((name, value)) = line.trim().split_once(' ') {
                rows.push((name.to_owned(), value.trim().to_owned()));
            }
        }
    });
    receiver.recv_timeout(START).ok()
}

impl Running {
    /// The address in a row of the table: `gateway`, `orders`, `sandbox`, …
    pub(crate) fn address(&self, name: &str) -> String {
        let row = self
            .table
            .iter()
            .find(|(row, _)| row == name)
            .unwrap_or_else(|| panic!("no {name} in the table"));
        row.1.split_whitespace().next().expect("a value").to_owned()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// `kill -9`, and waits until it is gone.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("our own child");
        self.child.wait().expect("our own child");
    }

    /// SIGTERM, and waits for a clean end.
    pub(crate) fn terminate(mut self) -> ExitStatus {
        let killed = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        assert!(killed.expect("kill").success());
        self.child.wait().expect("our own child")
    }

    /// Waits until it ends by itself, at most `limit`; `None` when it has not.
    pub(crate) fn ended_within(&mut self, limit: Duration) -> Option<ExitStatus> {
        let until = std::time::Instant::now() + limit;
        while std::time::Instant::now() < until {
            if let Some(status) = self.child.try_wait().expect("our own child") {
                return Some(status);
            }
            thread::sleep(Duration::from_millis(10));
        }
        None
    }
}

impl People {
    pub(crate) fn of(mesh: &Running) -> Self {
        Self::at(&mesh.address("gateway"), &mesh.address("sandbox"))
    }

    /// Those of a gateway alone: they have no sandbox.
    pub(crate) fn of_gateway(gateway: &Running) -> Self {
        Self::at(&gateway.address("gateway"), "")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
