//! Starts a mesh: bind, open, wire, serve, wait until ready. In this order, so that what a person must change is
//! found before anything serves.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
};

use common::Fault;
use runtime::{
    Platform, Service, Settings,
    platform::{Opened, Opening},
    server::{self, Running},
};
use tokio::net::TcpListener;

use super::{AllInOne, Options};
use crate::{
    failure::StartError,
    folders::{data_dir, make, mesh_folder, sandbox_folder},
    http_server::{HttpServer, SandboxServer},
    listeners::Listeners,
};

pub(super) async fn start(options: Options) -> Result<AllInOne, StartError> {
    let Options { settings, clock, random, between } = options;
    let data_dir = data_dir(&settings);
    let with_sandbox =
        settings.text("STRIPE_SECRET_KEY").is_none() && settings.text("STRIPE_API_BASE").is_none();
    let listeners = Listeners::bind(&settings, with_sandbox).await?;
    let opened = Opened::open(Opening {
        settings: settings.clone(),
        folder: Some(make(&mesh_folder(&data_dir))?),
        peers: HashMap::new(),
        clock: Arc::clone(&clock),
        random: Arc::clone(&random),
        between,
    })
    .await
    .map_err(|error| StartError::opening(&data_dir, error))?;
    let addresses = listeners.addresses;
    let mut settings = settings.with("HTTP_ADDR", addresses.gateway.to_string());
    let sandbox = match listeners.sandbox {
        Some(listener) => {
            let folder = make(&sandbox_folder(&data_dir))?;
            let server = SandboxServer::start(&settings, &folder, listener, clock, random)?;
            settings = settings
                .with("STRIPE_API_BASE", format!("http://{}", server.address))
                .with("STRIPE_WEBHOOK_SECRET", server.secret.reveal());
            Some(server)
        }
        None => None,
    };
    let settings = resolve(settings)?;
    let platform = &opened.platform;
    let services = vec![
        serve(stock::wire(stock::Config::load(&settings)?, platform)?, listeners.stock, platform).await?,
        serve(kitchen::wire(kitchen::Config::load(&settings)?, platform)?, listeners.kitchen, platform)
            .await?,
        serve(payments::wire(payments::Config::load(&settings)?, platform)?, listeners.payments, platform)
            .await?,
        serve(
            orders::wire::wire(orders::config::Config::load(&settings)?, platform)?,
            listeners.orders,
            platform,
        )
        .await?,
    ];
    for service in &services {
        service.ready().await;
    }
    let test_mode = sandbox.is_some();
    let gateway = start_gateway(&settings, test_mode, listeners.gateway, platform)?;
    let metrics = listeners.metrics.map(|listener| {
        let state = services[0].readiness();
        HttpServer::start(listener, runtime::probes::router(platform.metrics.clone(), state))
    });
    Ok(AllInOne { addresses, data_dir, test_mode, opened, services, gateway, metrics, sandbox })
}

/// What follows from the bound addresses and from this being the all-in-one program.
fn resolve(mut settings: Settings) -> Result<Settings, StartError> {
    if settings.text("PUBLIC_URL").is_none() {
        let address: SocketAddr = settings.require("HTTP_ADDR")?;
        settings = settings.with("PUBLIC_URL", default_public_url(address));
    }
    if settings.text("RUN_SEEDER").is_none() {
        settings = settings.with("RUN_SEEDER", "on");
    }
    Ok(settings)
}

fn default_public_url(address: SocketAddr) -> String {
    if address.ip() == IpAddr::V4(Ipv4Addr::LOCALHOST) {
        return format!("http://localhost:{}", address.port());
    }
    format!("http://{address}")
}

async fn serve(service: Service, listener: TcpListener, platform: &Platform) -> Result<Running, Fault> {
    server::start(service, listener, platform).await
}

fn start_gateway(
    settings: &Settings,
    test_mode: bool,
    listener: TcpListener,
    platform: &Platform,
) -> Result<HttpServer, StartError> {
    let config = gateway::Config { test_mode, ..gateway::Config::load(settings)? };
    Ok(HttpServer::start(listener, gateway::wire(config, platform)?.router))
}
