//! A broker with its management plugin, and an Erlang port mapper of its own.

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf};

use super::{
    Failure, Launch, Process, Server,
    folder::Folder,
    free_ports, program, ready,
    server::{self, is_a_server},
};

const USER: &str = "live";
const PASSWORD: &str = "live";
/// Debian's programs on the PATH switch to another user; these do not.
const SCRIPTS: &str = "/usr/lib/rabbitmq/bin";

/// RabbitMQ. Boots in four to eight seconds: a suite shares one, with a virtual host or names of its own per test.
///
/// A quorum queue that was declared less than about two seconds before a `kill()` stays broken in 3.10.
pub struct RabbitMq {
    server: Server,
    ports: Ports,
    _port_mapper: Process,
}

#[derive(Clone, Copy)]
struct Ports {
    amqp: u16,
    management: u16,
    distribution: u16,
    mapper: u16,
}

is_a_server!(RabbitMq);

impl RabbitMq {
    pub async fn start() -> Result<Self, Failure> {
        server::start(Self::prepare).await
    }

    /// The default virtual host, with a user who may do anything.
    #[must_use]
    pub fn url(&self) -> String {
        format!("amqp://{USER}:{PASSWORD}@127.0.0.1:{}/%2f", self.ports.amqp)
    }

    /// The address with the name and the password of the management API: `{}/api/queues`.
    #[must_use]
    pub fn management_url(&self) -> String {
        format!("http://{USER}:{PASSWORD}@127.0.0.1:{}", self.ports.management)
    }

    fn prepare() -> Result<Self, Failure> {
        let folder = Folder::new()?;
        let [amqp, management, distribution, mapper] = free_ports();
        let ports = Ports { amqp, management, distribution, mapper };
        let launch = launch(&folder, ports)?;
        // The broker would start one that detaches itself and stays.
        let port_mapper = Launch::new(program::find("epmd", &[])?, folder.join("epmd.log"))
            .args("-address 127.0.0.1 -port")
            .arg(mapper.to_string());
        let _port_mapper = Process::start(&port_mapper)?;
        let server = Server::new(launch, folder, check(ports));
        Ok(Self { server, ports, _port_mapper })
    }
}

fn launch(folder: &Folder, ports: Ports) -> Result<Launch, Failure> {
    let home = folder.make("home")?;
    let log = folder.join("rabbitmq.log");
    write_cookie(folder)?;
    Ok(Launch::new(program::find("rabbitmq-server", &[SCRIPTS])?, log)
        // The script then becomes the broker instead of waiting for it: its pid is the broker's.
        .env("RUNNING_UNDER_SYSTEMD", "true")
        .env("HOME", home)
        .env("RABBITMQ_NODENAME", "live@localhost")
        .env("RABBITMQ_CONF_ENV_FILE", folder.write("rabbitmq-env.conf", "")?)
        .env("RABBITMQ_CONFIG_FILE", folder.write("rabbitmq.conf", &configuration(ports))?)
        .env("RABBITMQ_ADVANCED_CONFIG_FILE", folder.write("advanced.config", "[].\n")?)
        .env("RABBITMQ_ENABLED_PLUGINS_FILE", folder.write("enabled_plugins", "[rabbitmq_management].\n")?)
        .env("RABBITMQ_MNESIA_BASE", folder.make("mnesia")?)
        .env("RABBITMQ_LOG_BASE", folder.make("log")?)
        .env("RABBITMQ_PID_FILE", folder.join("pid"))
        .env("RABBITMQ_DIST_PORT", ports.distribution.to_string())
        .env("ERL_EPMD_ADDRESS", "127.0.0.1")
        .env("ERL_EPMD_PORT", ports.mapper.to_string())
        .env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "-kernel inet_dist_use_interface {127,0,0,1}"))
}

fn configuration(Ports { amqp, management, .. }: Ports) -> String {
    format!(
        "listeners.tcp.1 = 127.0.0.1:{amqp}\n\
         management.tcp.ip = 127.0.0.1\n\
         management.tcp.port = {management}\n\
         default_user = {USER}\n\
         default_pass = {PASSWORD}\n\
         loopback_users = none\n\
         log.console = true\n\
         log.console.level = info\n\
         log.file = false\n"
    )
}

/// Erlang takes a cookie that only its owner can read.
fn write_cookie(folder: &Folder) -> Result<PathBuf, Failure> {
    let cookie = folder.write("home/.erlang.cookie", "ORDERMESHLIVE")?;
    fs::set_permissions(&cookie, fs::Permissions::from_mode(0o400))
        .map_err(|cause| Failure::io("protect", &cookie, &cause))?;
    Ok(cookie)
}

/// The broker itself says that it listens for clients.
fn check(ports: Ports) -> ready::Check {
    let client = reqwest::Client::new();
    let Ports { amqp, management, .. } = ports;
    let url = format!("http://127.0.0.1:{management}/api/health/checks/port-listener/{amqp}");
    Box::new(move || {
        let request = client.get(&url).basic_auth(USER, Some(PASSWORD));
        Box::pin(async { ready::get(request).await.is_some() })
    })
}
