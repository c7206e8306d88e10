//! The exporter over OTLP: OpenTelemetry's settings in, an exporter out.

use std::sync::Arc;

use telemetry::{
    Traces,
    traces::otlp::{OtlpSettings, OtlpTraces, Protocol, Sampler, pairs},
};

use super::{ENDPOINT, Process};
use crate::{Platform, SettingError, Settings};

const HEADERS: &str = "OTEL_EXPORTER_OTLP_HEADERS";
const SAMPLER: &str = "OTEL_TRACES_SAMPLER";
const SAMPLER_ARG: &str = "OTEL_TRACES_SAMPLER_ARG";
const ATTRIBUTES: &str = "OTEL_RESOURCE_ATTRIBUTES";

pub(super) fn check(settings: &Settings, endpoint: &str) -> Result<(), SettingError> {
    otlp(settings, endpoint, Process::Role).map(drop)
}

pub(super) fn start(
    settings: &Settings,
    endpoint: &str,
    process: Process,
    platform: &Platform,
) -> Result<Arc<dyn Traces>, SettingError> {
    let otlp = otlp(settings, endpoint, process)?;
    let traces = OtlpTraces::new(otlp, Arc::clone(&platform.random), &platform.metrics);
    Ok(Arc::new(traces.map_err(|problem| SettingError::new(ENDPOINT, problem))?))
}

fn otlp(settings: &Settings, endpoint: &str, process: Process) -> Result<OtlpSettings, SettingError> {
    if !endpoint.starts_with("http://") {
        let problem = "only plain http is spoken: use a collector on this machine or in this network";
        return Err(SettingError::new(ENDPOINT, problem));
    }
    let sampler = settings.text(SAMPLER).unwrap_or("parentbased_always_on");
    let name = settings.text("OTEL_SERVICE_NAME").filter(|_| process == Process::Role);
    Ok(OtlpSettings {
        endpoint: endpoint.to_owned(),
        protocol: settings.get("OTEL_EXPORTER_OTLP_PROTOCOL")?.unwrap_or(Protocol::Grpc),
        headers: list(settings, HEADERS)?,
        sampler: Sampler::parse(sampler, settings.text(SAMPLER_ARG))
            .map_err(|problem| SettingError::new(SAMPLER_ARG, problem))?,
        resource: list(settings, ATTRIBUTES)?,
        service_name: name.map(str::to_owned),
    })
}

fn list(settings: &Settings, name: &str) -> Result<Vec<(String, String)>, SettingError> {
    pairs(settings.text(name).unwrap_or_default()).map_err(|problem| SettingError::new(name, problem))
}
