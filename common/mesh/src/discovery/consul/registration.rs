//! Keeps one instance registered: told to the agent, looked at again and again, told anew when the agent forgot it.

use std::{collections::HashMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use common::{Backoff, Fault, Random};
use consulrs::{
    api::{
        check::common::AgentServiceCheck,
        service::{
            common::AgentWeights,
            requests::{RegisterServiceRequest, RegisterServiceRequestBuilder},
        },
    },
    check, service,
};
use tokio::{
    sync::oneshot,
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::{
    agent::{Agent, AgentFault, CALL_TIMEOUT},
    endpoints::AgentService,
    settings::CheckBy,
};
use crate::discovery::{Check, Instance, Peer, Registration};

/// How often the agent is asked whether it still knows us; give or take a fifth.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
const AGAIN: Backoff = Backoff { base: Duration::from_millis(500), cap: Duration::from_secs(5) };
/// How long leaving the registry may take: a call under way and the one that says it.
const WITHDRAW_TIMEOUT: Duration = Duration::from_millis(4_500);
/// How the agent calls us.
const CHECK_INTERVAL: &str = "1s";
const CHECK_TIMEOUT: &str = "1s";
/// How long our word counts: several of our looks.
const WORD_LASTS: &str = "20s";
/// The shortest that an agent honours.
const FORGET_AFTER: &str = "1m";

/// An instance that is kept registered. Dropping it withdraws it too, without waiting.
#[derive(Debug)]
pub(super) struct Registered {
    stop: oneshot::Sender<()>,
    keeper: JoinHandle<()>,
}

struct Keeper {
    agent: Agent,
    instance: Instance,
    id: String,
    check_by: CheckBy,
    random: Arc<dyn Random>,
    registered: bool,
    failures: u32,
}

/// Starts to keep the instance registered, and returns after the first try, whatever came of it: a service must serve
/// when its registry is away. `internal` for an address at which nobody can reach it.
pub(super) async fn start(
    agent: Agent,
    instance: Instance,
    check_by: CheckBy,
    random: Arc<dyn Random>,
) -> Result<Registered, Fault> {
    if let Peer::Address(address) = &instance.address
        && (address.ip().is_unspecified() || address.port() == 0)
    {
        return Err(Fault::internal(format!("{address} is no address that others could call")));
    }
    let id = format!("{}-{}-{}", instance.service, instance.address.host(), instance.address.port());
    let keeper = Keeper { agent, instance, id, check_by, random, registered: false, failures: 0 };
    let (tried, first_try) = oneshot::channel();
    let (stop, stopped) = oneshot::channel();
    let keeper = tokio::spawn(keeper.keep(tried, stopped));
    let registered = Registered { stop, keeper };
    // The keeper outlives its first try.
    let _ = first_try.await;
    Ok(registered)
}

#[async_trait]
impl Registration for Registered {
    async fn withdraw(self: Box<Self>) {
        // A keeper that is gone has nothing to withdraw.
        let _ = self.stop.send(());
        if timeout(WITHDRAW_TIMEOUT, self.keeper).await.is_err() {
            tracing::warn!("the registry did not answer; it will notice by itself that we are gone");
        }
    }
}

impl Keeper {
    /// Calls under way are never cut short: a registration that arrives after the withdrawal would stay.
    async fn keep(mut self, tried: oneshot::Sender<()>, mut stopped: oneshot::Receiver<()>) {
        let mut pause = self.look().await;
        let _ = tried.send(());
        loop {
            tokio::select! {
                _ = &mut stopped => break,
                () = sleep(pause) => pause = self.look().await,
            }
        }
        self.deregister().await;
    }

    /// Makes the agent know us, and says when to look again.
    async fn look(&mut self) -> Duration {
        match self.ensure().await {
            Ok(()) => {
                self.failures = 0;
                let fifth = u64::try_from(LOOK_AGAIN.as_millis() / 5).unwrap_or(u64::MAX);
                LOOK_AGAIN * 4 / 5 + Duration::from_millis(self.random.below(2 * fifth))
            }
            Err(fault) => {
                if self.failures == 0 {
                    tracing::warn!(id = self.id, %fault, "could not reach the registry; serving without it, trying again");
                }
                self.failures = self.failures.saturating_add(1);
                AGAIN.delay(self.failures, self.random.as_ref())
            }
        }
    }

    async fn ensure(&mut self) -> Result<(), AgentFault> {
        if !self.registered || !self.known().await? {
            self.registered = false;
            self.register().await?;
            self.registered = true;
            tracing::info!(id = self.id, "registered");
        }
        match self.check_by {
            CheckBy::Agent => Ok(()),
            CheckBy::Instance => self.say_well().await,
        }
    }

    async fn known(&self) -> Result<bool, AgentFault> {
        match self.agent.exec(AgentService { id: self.id.clone() }, CALL_TIMEOUT).await {
            Ok(_) => Ok(true),
            Err(fault) if fault.status == Some(404) => Ok(false),
            Err(fault) => Err(fault),
        }
    }

    async fn register(&self) -> Result<(), AgentFault> {
        let mut request = self.request();
        let call = service::register(self.agent.client(), self.instance.service, Some(&mut request));
        self.agent.run(CALL_TIMEOUT, call).await.map(|_| ())
    }

    fn request(&self) -> RegisterServiceRequestBuilder {
        let weight = u64::from(self.instance.weight.max(1));
        let mut request = RegisterServiceRequest::builder();
        request
            .id(&self.id)
            .address(self.instance.address.host())
            .port(self.instance.address.port())
            .tags(self.instance.tags.clone())
            .meta(self.meta())
            .weights(AgentWeights { passing: Some(weight), warning: Some(1) })
            .check(self.check());
        request
    }

    fn meta(&self) -> HashMap<String, String> {
        let protocol = match self.instance.check {
            Check::Grpc { .. } => "grpc",
            Check::Http { .. } => "http",
        };
        let own = [("version", self.instance.version), ("protocol", protocol)];
        let own = own.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned()));
        self.instance.meta.clone().into_iter().chain(own).collect()
    }

    fn check(&self) -> AgentServiceCheck {
        let text = |text: &str| Some(text.to_owned());
        let check = AgentServiceCheck {
            check_id: Some(self.check_id()),
            deregister_critical_service_after: text(FORGET_AFTER),
            ..AgentServiceCheck::default()
        };
        if self.check_by == CheckBy::Instance {
            return AgentServiceCheck { name: text("said by the instance"), ttl: text(WORD_LASTS), ..check };
        }
        let check =
            AgentServiceCheck { interval: text(CHECK_INTERVAL), timeout: text(CHECK_TIMEOUT), ..check };
        let address = &self.instance.address;
        match self.instance.check {
            Check::Grpc { name: "" } => {
                AgentServiceCheck { name: text("grpc.health.v1"), grpc: Some(address.to_string()), ..check }
            }
            Check::Grpc { name } => AgentServiceCheck {
                name: text("grpc.health.v1"),
                grpc: Some(format!("{address}/{name}")),
                ..check
            },
            Check::Http { path } => AgentServiceCheck {
                name: Some(format!("GET {path}")),
                http: Some(format!("http://{address}{path}")),
                ..check
            },
        }
    }

    fn check_id(&self) -> String {
        format!("service:{}", self.id)
    }

    async fn say_well(&self) -> Result<(), AgentFault> {
        let check_id = self.check_id();
        self.agent.run(CALL_TIMEOUT, check::pass(self.agent.client(), &check_id, None)).await.map(|_| ())
    }

    async fn deregister(&self) {
        let call = service::deregister(self.agent.client(), &self.id, None);
        match self.agent.run(CALL_TIMEOUT, call).await {
            Ok(_) => tracing::info!(id = self.id, "deregistered"),
            Err(fault) if fault.status == Some(404) => {}
            Err(fault) => tracing::warn!(id = self.id, %fault, "could not deregister"),
        }
    }
}
