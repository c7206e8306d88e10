//! Every address is bound before anything else happens, so that a used port is found at once and port 0 is known.

use std::net::SocketAddr;

use runtime::Settings;
use tokio::net::TcpListener;

use crate::failure::StartError;

/// Where a mesh listens.
#[derive(Clone, Copy, Debug)]
pub struct Addresses {
    pub gateway: SocketAddr,
    pub orders: SocketAddr,
    pub payments: SocketAddr,
    pub stock: SocketAddr,
    pub kitchen: SocketAddr,
    /// `None` when a real provider is used.
    pub sandbox: Option<SocketAddr>,
    /// `None` unless `METRICS_ADDR` is set.
    pub metrics: Option<SocketAddr>,
}

/// The bound listeners of a mesh.
pub(crate) struct Listeners {
    pub gateway: TcpListener,
    pub orders: TcpListener,
    pub payments: TcpListener,
    pub stock: TcpListener,
    pub kitchen: TcpListener,
    pub sandbox: Option<TcpListener>,
    pub metrics: Option<TcpListener>,
    pub addresses: Addresses,
}

impl Listeners {
    pub(crate) async fn bind(settings: &Settings, with_sandbox: bool) -> Result<Self, StartError> {
        let (gateway, gateway_at) = bind(settings, "HTTP_ADDR").await?;
        let (orders, orders_at) = bind(settings, "ORDERS_GRPC_ADDR").await?;
        let (payments, payments_at) = bind(settings, "PAYMENTS_GRPC_ADDR").await?;
        let (stock, stock_at) = bind(settings, "STOCK_GRPC_ADDR").await?;
        let (kitchen, kitchen_at) = bind(settings, "KITCHEN_GRPC_ADDR").await?;
        let sandbox = if with_sandbox { Some(bind(settings, "SANDBOX_ADDR").await?) } else { None };
        let metrics =
            if settings.is_set("METRICS_ADDR") { Some(bind(settings, "METRICS_ADDR").await?) } else { None };
        let addresses = Addresses {
            gateway: gateway_at,
            orders: orders_at,
            payments: payments_at,
            stock: stock_at,
            kitchen: kitchen_at,
            sandbox: sandbox.as_ref().map(|(_, at)| *at),
            metrics: metrics.as_ref().map(|(_, at)| *at),
        };
        let (sandbox, metrics) = (sandbox.map(|(l, _)| l), metrics.map(|(l, _)| l));
        Ok(Self { gateway, orders, payments, stock, kitchen, sandbox, metrics, addresses })
    }
}

/// Binds the address of a setting; the bound address tells the port when 0 was asked for.
pub(crate) async fn bind(
    settings: &Settings,
    name: &'static str,
) -> Result<(TcpListener, SocketAddr), StartError> {
    let address: SocketAddr = settings.require(name)?;
    let refused = |error: std::io::Error| StartError::Port { name, address, problem: error.to_string() };
    let listener = TcpListener::bind(address).await.map_err(refused)?;
    let bound = listener.local_addr().map_err(refused)?;
    Ok((listener, bound))
}
