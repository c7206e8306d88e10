//! The mesh as it runs in production: several processes of each role, on real servers and free ports.

use std::{fs, path::PathBuf, time::Duration};

use serde_json::Value;
use tempfile::TempDir;
use testkit::servers::{Consul, Failure, Launch, Mongo, Process, RabbitMq, free_ports};
use tokio::{
    process::Command,
    time::{Instant, sleep},
};

use super::People;

/// How long a process may take to be ready; a debug build on a busy machine is slow.
const READY_WITHIN: Duration = Duration::from_secs(90);
const LOOK_EVERY: Duration = Duration::from_millis(25);
/// What the sandbox signs with and the others check.
const WEBHOOK_SECRET: &str = "whsec_live";
const SERVICES: [&str; 4] = ["orders", "payments", "stock", "kitchen"];
/// Enough for two addresses of every process.
const PORTS: usize = 64;

/// The servers that every process needs.
pub(crate) struct Servers {
    pub(crate) broker: RabbitMq,
    pub(crate) registry: Consul,
    pub(crate) database: Mongo,
}

impl Servers {
    pub(crate) async fn start() -> Self {
        let started = tokio::try_join!(RabbitMq::start(), Consul::start(), Mongo::start());
        let (broker, registry, database) = started.unwrap();
        Self { broker, registry, database }
    }

    /// How many instances of the mesh are in the catalogue and passing.
    pub(crate) async fn passing(&self) -> usize {
        let mut passing = 0;
        for service in SERVICES.into_iter().chain(["gateway"]) {
            let url = format!("{}/v1/health/service/{service}?passing", self.registry.url());
            let Ok(answer) = reqwest::get(url).await else { return 0 };
            passing += answer.json::<Vec<Value>>().await.map_or(0, |instances| instances.len());
        }
        passing
    }
}

/// One process of a role. It keeps its addresses when it is started again.
pub(crate) struct Member {
    pub(crate) role: &'static str,
    /// From 1, within its role.
    pub(crate) number: usize,
    /// `host:port` where it serves: HTTP for a gateway and the sandbox, gRPC for the others.
    pub(crate) address: String,
    /// `/metrics`, `/health` and `/ready`.
    pub(crate) probes: String,
    launch: Launch,
    process: Option<Process>,
}

/// All processes. A failing test prints the end of each one's log.
pub(crate) struct Cluster {
    members: Vec<Member>,
    _folder: TempDir,
}

impl Cluster {
    /// Starts a sandbox and this many gateways, orders, payments, stock and kitchen, with more settings for all of
    /// them, and waits until each is ready.
    pub(crate) async fn start(servers: &Servers, copies: usize, settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let plan = Plan { servers, folder: &folder, settings, ports: free_ports::<PORTS>().into_iter() };
        let mut cluster = Self { members: plan.members(copies), _folder: folder };
        for member in &mut cluster.members {
            member.launch().unwrap();
        }
        for member in &cluster.members {
            member.ready(0).await;
        }
        cluster
    }

    /// The base of the HTTP API, at one of the gateways.
    pub(crate) fn gateway(&self, number: usize) -> String {
        format!("http://{}", self.find("gateway", number).address)
    }

    /// SIGTERM to each in turn, those that call first.
    pub(crate) async fn terminate(&mut self) {
        for member in self.members.iter_mut().rev() {
            member.terminate().await;
        }
    }

    /// Customers and staff, at one of the gateways.
    pub(crate) fn people(&self, gateway: usize) -> People {
        People::at(&self.gateway(gateway), &self.sandbox())
    }

    /// The same at each gateway.
    pub(crate) fn everyone(&self) -> Vec<People> {
        let gateways = self.members.iter().filter(|member| member.role == "gateway").count();
        (1..=gateways).map(|number| self.people(number)).collect()
    }

    /// Whether every invariant holds in the books of all, as `ordermesh verify` sees them.
    #[allow(clippy::print_stderr, reason = "a failing test shows its output")]
    pub(crate) async fn verify(&self) -> bool {
        let (code, said) = self.run(&["verify"]).await;
        if code != Some(0) {
            eprintln!("{said}");
        }
        code == Some(0)
    }

    /// Runs an operator's command with the settings of the mesh: exit code and what it printed.
    pub(crate) async fn run(&self, args: &[&str]) -> (Option<i32>, String) {
        let orders = &self.find("orders", 1).launch;
        let mut command = Command::new(&orders.program);
        command.args(args).env_clear().envs(orders.env.iter().map(|(name, value)| (name, value)));
        let output = command.output().await.unwrap();
        let said =
            if output.status.success() { output.stdout } else { [output.stdout, output.stderr].concat() };
        (output.status.code(), String::from_utf8_lossy(&said).into_owned())
    }

    pub(crate) fn sandbox(&self) -> String {
        format!("http://{}", self.find("sandbox", 1).address)
    }

    pub(crate) fn find(&self, role: &str, number: usize) -> &Member {
        self.members.iter().find(|member| member.is(role, number)).expect("a member of the cluster")
    }

    pub(crate) fn find_mut(&mut self, role: &str, number: usize) -> &mut Member {
        self.members.iter_mut().find(|member| member.is(role, number)).expect("a member of the cluster")
    }

    pub(crate) fn members(&self) -> impl Iterator<Item = &Member> {
        self.members.iter()
    }
}

impl Drop for Cluster {
    #[allow(clippy::print_stderr, reason = "a failing test shows its output")]
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        for member in &self.members {
            eprintln!("== {}-{}\n{}", member.role, member.number, member.launch.log_tail());
        }
    }
}

impl Member {
    /// How many calls, or requests of people, it has answered.
    pub(crate) async fn answered(&self) -> f64 {
        let text = reqwest::get(format!("{}/metrics", self.probes)).await.unwrap().text().await.unwrap();
        let counts = |line: &&str| {
            line.starts_with("ordermesh_grpc_calls_total{")
                || line.starts_with("ordermesh_http_requests_total{")
        };
        let value = |line: &str| line.rsplit(' ').next().and_then(|value| value.parse::<f64>().ok());
        text.lines().filter(counts).filter_map(value).sum()
    }

    /// SIGTERM; returns when it has stopped.
    pub(crate) async fn terminate(&mut self) {
        self.process.take().expect("it runs").terminate().await;
    }

    /// `kill -9`; returns when it is gone.
    pub(crate) async fn kill(&mut self) {
        self.process.take().expect("it runs").kill().await;
    }

    /// Starts it again at the same addresses and waits until it is ready.
    pub(crate) async fn restart(&mut self) {
        let seen = self.log().len();
        self.launch().unwrap();
        self.ready(seen).await;
    }

    /// Everything that it wrote, in all its lives.
    pub(crate) fn log(&self) -> String {
        fs::read(&self.launch.log)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    fn is(&self, role: &str, number: usize) -> bool {
        self.role == role && self.number == number
    }

    fn launch(&mut self) -> Result<(), Failure> {
        self.process = Some(Process::start(&self.launch)?);
        Ok(())
    }

    /// Waits for the line that says so, behind what the log already had.
    async fn ready(&self, seen: usize) {
        let line = format!("ordermesh {} is ready at ", self.role);
        let end = Instant::now() + READY_WITHIN;
        while !self.log().get(seen..).is_some_and(|log| log.contains(&line)) {
            let ended = self.process.as_ref().is_none_or(Process::has_ended);
            let state = if ended { "ended by itself" } else { "is not ready" };
            let in_time = !ended && Instant::now() < end;
            assert!(in_time, "{}-{} {state}:\n{}", self.role, self.number, self.launch.log_tail());
            sleep(LOOK_EVERY).await;
        }
    }
}

/// What every process is told.
struct Plan<'a> {
    servers: &'a Servers,
    folder: &'a TempDir,
    settings: &'a [(&'a str, &'a str)],
    ports: std::array::IntoIter<u16, PORTS>,
}

impl Plan<'_> {
    fn members(mut self, copies: usize) -> Vec<Member> {
        let sandbox = self.member("sandbox", 1);
        let mut members: Vec<Member> = (1..=copies)
            .flat_map(|number| SERVICES.map(|role| (role, number)))
            .chain((1..=copies).map(|number| ("gateway", number)))
            .map(|(role, number)| self.member(role, number))
            .collect();
        members.insert(0, sandbox);
        let gateway =
            members.iter().find(|member| member.is("gateway", 1)).expect("one at least").address.clone();
        let sandbox = members[0].address.clone();
        for member in &mut members {
            tell(
                &mut member.launch,
                &[
                    ("PUBLIC_URL", format!("http://{gateway}")),
                    ("SANDBOX_WEBHOOK_URL", format!("http://{gateway}/api/webhooks/stripe")),
                    ("STRIPE_API_BASE", format!("http://{sandbox}")),
                    ("STRIPE_WEBHOOK_SECRET", WEBHOOK_SECRET.to_owned()),
                ],
            );
            // Of the instances of stock, one adds the menu.
            let seeds = member.is("stock", 1);
            tell(&mut member.launch, &[("RUN_SEEDER", if seeds { "on" } else { "off" }.to_owned())]);
        }
        members
    }

    fn member(&mut self, role: &'static str, number: usize) -> Member {
        let (address, probes) = (self.address(), self.address());
        let listens = match role {
            "gateway" => "HTTP_ADDR",
            "sandbox" => "SANDBOX_ADDR",
            _ => "GRPC_ADDR",
        };
        let path = |kind: &str| self.folder.path().join(format!("{role}-{number}.{kind}"));
        let program = PathBuf::from(env!("CARGO_BIN_EXE_ordermesh"));
        let mut launch = Launch::new(program, path("log")).arg(role);
        tell(
            &mut launch,
            &[
                (listens, address.clone()),
                ("METRICS_ADDR", probes.clone()),
                ("DATA_DIR", path("data").to_string_lossy().into_owned()),
                ("CONSUL_ADDR", self.servers.registry.url()),
                ("RABBITMQ_URL", self.servers.broker.url()),
                ("MONGODB_URI", self.servers.database.uri()),
                ("LOG_FORMAT", "text".to_owned()),
            ],
        );
        for (name, value) in self.settings {
            launch.env.push((name.into(), value.into()));
        }
        Member { role, number, address, probes: format!("http://{probes}"), launch, process: None }
    }

    fn address(&mut self) -> String {
        format!("127.0.0.1:{}", self.ports.next().expect("enough ports"))
    }
}

fn tell(launch: &mut Launch, settings: &[(&str, String)]) {
    launch.env.extend(settings.iter().map(|(name, value)| (name.into(), value.into())));
}
