//! One process of a test: signalled by its own pid, ended with its handle and with the test's process.

use std::{
    ffi::OsString,
    fs::{self, File},
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread::{self, JoinHandle},
    time::Duration,
};

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tokio::{sync::watch, time::timeout};

use super::Failure;

/// How long a process may take to end after it was told to.
const END_WITHIN: Duration = Duration::from_secs(30);
/// How much of a log a failure shows.
const TAIL_LINES: usize = 40;

/// What to start, and with what.
#[derive(Clone, Debug)]
pub struct Launch {
    pub program: PathBuf,
    pub args: Vec<OsString>,
    pub env: Vec<(OsString, OsString)>,
    /// Where its output goes, both streams; appended to.
    pub log: PathBuf,
}

impl Launch {
    #[must_use]
    pub fn new(program: impl Into<PathBuf>, log: impl Into<PathBuf>) -> Self {
        Self { program: program.into(), args: Vec::new(), env: Vec::new(), log: log.into() }
    }

    #[must_use]
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Several of them, apart by blanks.
    #[must_use]
    pub fn args(mut self, args: &str) -> Self {
        self.args.extend(args.split_whitespace().map(OsString::from));
        self
    }

    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// The last lines of its log.
    #[must_use]
    pub fn log_tail(&self) -> String {
        tail(&self.log)
    }

    /// `setpriv` has the kernel kill the program when the thread that started it ends; it execs, so the pid is the
    /// program's own. A process group of its own keeps Ctrl-C for the test.
    fn command(&self) -> Result<Command, Failure> {
        use std::os::unix::process::CommandExt;
        let open = || File::options().create(true).append(true).open(&self.log);
        let io = |cause| Failure::io("open the log", &self.log, &cause);
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL", "--"])
            .arg(&self.program)
            .args(&self.args)
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(open().map_err(io)?)
            .stderr(open().map_err(io)?)
            .process_group(0);
        Ok(command)
    }
}

/// A running process. Dropping it kills it and waits for its end.
pub struct Process {
    name: String,
    pid: u32,
    /// Names this process for good, also after its pid is another's.
    pidfd: OwnedFd,
    ended: watch::Receiver<bool>,
    keeper: Option<JoinHandle<()>>,
}

impl Process {
    /// Starts it from a thread that lives as long as the process: the kernel's promise to kill is tied to that thread.
    pub fn start(launch: &Launch) -> Result<Self, Failure> {
        let name = launch.program.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut command = launch.command()?;
        let (started, hear) = mpsc::sync_channel(1);
        let (end, ended) = watch::channel(false);
        let keeper = thread::Builder::new()
            .name(format!("keeper of {name}"))
            .spawn(move || {
                let mut child = match command.spawn() {
                    Ok(child) => child,
                    Err(cause) => return drop(started.send(Err(cause))),
                };
                let _ = started.send(open_pidfd(&child).map(|pidfd| (child.id(), pidfd)));
                let _ = child.wait();
                let _ = end.send(true);
            })
            .map_err(|cause| Failure::new(format!("start a thread: {cause}")))?;
        let (pid, pidfd) = hear
            .recv()
            .expect("the keeper answers before it ends")
            .map_err(|cause| Failure::new(format!("start {name} with setpriv (of util-linux): {cause}")))?;
        Ok(Self { name, pid, pidfd, ended, keeper: Some(keeper) })
    }

    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    #[must_use]
    pub fn has_ended(&self) -> bool {
        *self.ended.borrow()
    }

    /// `kill -9`; returns when it is gone.
    pub async fn kill(&self) {
        self.signal(Signal::KILL);
        self.wait_for_end().await;
    }

    /// `kill`; returns when it has stopped by itself, and panics when it does not.
    pub async fn terminate(&self) {
        self.signal(Signal::TERM);
        self.wait_for_end().await;
    }

    /// `kill -STOP`: connections stay open and nothing answers.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    async fn wait_for_end(&self) {
        let mut ended = self.ended.clone();
        let waited = timeout(END_WITHIN, ended.wait_for(|ended| *ended)).await;
        assert!(waited.is_ok(), "{} (pid {}) does not end", self.name, self.pid);
    }

    /// One that has ended already does not mind.
    fn signal(&self, signal: Signal) {
        let _ = pidfd_send_signal(&self.pidfd, signal);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
        if let Some(keeper) = self.keeper.take() {
            let _ = keeper.join();
        }
    }
}

fn open_pidfd(child: &Child) -> std::io::Result<OwnedFd> {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("the kernel's pids are positive");
    Ok(pidfd_open(pid, PidfdFlags::empty())?)
}

fn tail(log: &Path) -> String {
    let text = fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}
