//! The servers of a mesh of many processes.

mod consul;
mod mongodb;
mod rabbitmq;

use runtime::Settings;

use super::probe::Probe;

pub(super) fn probes(settings: &Settings) -> Vec<Probe> {
    let probes = [consul::probe(settings), rabbitmq::probe(settings), mongodb::probe(settings)];
    probes.into_iter().flatten().collect()
}
