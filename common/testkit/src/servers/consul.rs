//! One Consul server that is also the agent, with its UI.

use std::fs;

use serde_json::{Value, json};

use super::{
    Failure, Launch, Server,
    folder::Folder,
    free_ports, program, ready,
    server::{self, is_a_server},
};

const CONFIGURATION: &str = "consul.json";

/// Consul, ready when it has a leader and a certificate authority.
pub struct Consul {
    server: Server,
    port: u16,
}

is_a_server!(Consul);

impl Consul {
    pub async fn start() -> Result<Self, Failure> {
        Self::start_with(json!({})).await
    }

    /// The same with more configuration; an object's keys are added to the ones there.
    pub async fn start_with(more: Value) -> Result<Self, Failure> {
        server::start(|| Self::prepare(&more)).await
    }

    /// Everything is denied without a token; `token` may do anything.
    pub async fn start_with_acl(token: &str) -> Result<Self, Failure> {
        let tokens = json!({"initial_management": token, "agent": token});
        Self::start_with(json!({"acl": {"enabled": true, "default_policy": "deny", "tokens": tokens}})).await
    }

    /// The agent's HTTP address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Ends it with `kill -9` and starts it as on its first day: no services, no keys, no intentions.
    pub async fn restart_empty(&self) -> Result<(), Failure> {
        self.kill().await;
        let data = self.path("data");
        fs::remove_dir_all(&data).map_err(|cause| Failure::io("empty", data.as_ref(), &cause))?;
        self.restart().await
    }

    fn prepare(more: &Value) -> Result<Self, Failure> {
        let folder = Folder::new()?;
        let [http, server, serf] = free_ports();
        let mut configuration = configuration(http, server, serf);
        merge(&mut configuration, more);
        let file = folder.write(CONFIGURATION, &configuration.to_string())?;
        let token = more.pointer("/acl/tokens/initial_management").and_then(Value::as_str);
        let launch = Launch::new(program::find("consul", &[])?, folder.join("consul.log"))
            .arg("agent")
            .arg("-data-dir")
            .arg(folder.join("data"))
            .arg("-config-file")
            .arg(file);
        let server = Server::new(launch, folder, check(http, token.map(str::to_owned)));
        Ok(Self { server, port: http })
    }
}

fn configuration(http: u16, server: u16, serf: u16) -> Value {
    json!({
        "server": true,
        "bootstrap_expect": 1,
        "node_name": "live",
        "bind_addr": "127.0.0.1",
        "client_addr": "127.0.0.1",
        "advertise_addr": "127.0.0.1",
        "ports": {
            "http": http, "server": server, "serf_lan": serf,
            "dns": -1, "grpc": -1, "grpc_tls": -1, "serf_wan": -1,
        },
        "performance": {"raft_multiplier": 1},
        "connect": {"enabled": true},
        "ui_config": {"enabled": true},
        "disable_update_check": true,
        "log_level": "warn",
    })
}

/// Adds to objects, replaces everything else.
fn merge(into: &mut Value, more: &Value) {
    match (into, more) {
        (Value::Object(into), Value::Object(more)) => {
            for (key, value) in more {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, more) => *into = more.clone(),
    }
}

/// It has a leader, a certificate authority, and takes the token.
fn check(port: u16, token: Option<String>) -> ready::Check {
    let client = reqwest::Client::new();
    Box::new(move || {
        let get = |path: &str| {
            let request = client.get(format!("http://127.0.0.1:{port}/v1/{path}"));
            ready::get(match &token {
                Some(token) => request.header("X-Consul-Token", token),
                None => request,
            })
        };
        let (leader, roots) = (get("status/leader"), get("connect/ca/roots"));
        let known = token.as_ref().map(|_| get("acl/token/self"));
        Box::pin(async {
            let has_leader = leader.await.is_some_and(|leader| leader.len() > 2);
            has_leader
                && roots.await.is_some()
                && match known {
                    Some(known) => known.await.is_some(),
                    None => true,
                }
        })
    })
}
