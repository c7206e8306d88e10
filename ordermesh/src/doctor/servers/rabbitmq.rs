//! RabbitMQ: the broker, our queues, and what died in them.

use bus::{DeadLetters as _, QueueDepth, rabbit::RabbitBus};
use common::Fault;
use runtime::Settings;

use crate::{
    doctor::probe::{Finding, Probe},
    servers,
};

const FIX: &str =
    "start the broker, or set RABBITMQ_URL to where it is, with user and password that it takes";

pub(in crate::doctor) fn probe(settings: &Settings) -> Option<Probe> {
    if !settings.is_set("RABBITMQ_URL") && !settings.is_set("RABBITMQ_HOST") {
        return None;
    }
    let settings = settings.clone();
    let target = settings.text("RABBITMQ_HOST").unwrap_or("RABBITMQ_URL").to_owned();
    Some(Probe::new("rabbitmq", target, FIX, async move {
        match servers::rabbit(&settings) {
            Ok(Some(bus)) => ask(&bus).await.unwrap_or_else(|fault| Finding::fault(&fault, FIX)),
            Ok(None) => Finding::fail("it is not set", FIX),
            Err(error) => Finding::fail(error.to_string(), FIX),
        }
    }))
}

async fn ask(bus: &RabbitBus) -> Result<Finding, Fault> {
    let version = bus.server_version().await?;
    let depths = bus.depths().await;
    bus.close().await;
    Ok(judge(&depths?).version(version))
}

fn judge(depths: &[QueueDepth]) -> Finding {
    let waiting: u64 = depths.iter().map(|depth| depth.ready).sum();
    let dead: u64 = depths.iter().map(|depth| depth.dead_letters).sum();
    let found = format!("{} queues, {waiting} events wait, {dead} dead letters", depths.len());
    match dead {
        0 => Finding::ok(found),
        _ => Finding::warn(found, "`ordermesh dlq list` shows them with their reasons"),
    }
}
