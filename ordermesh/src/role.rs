//! The roles that can run in a process of their own: whom each calls, and what it needs.

use std::net::SocketAddr;

use runtime::{SettingError, Settings, platform::NETWORKED};

/// One role of the mesh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Gateway,
    Orders,
    Payments,
    Stock,
    Kitchen,
    Sandbox,
}

impl Role {
    pub const ALL: [Self; 6] =
        [Self::Gateway, Self::Orders, Self::Payments, Self::Stock, Self::Kitchen, Self::Sandbox];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Gateway => contracts::service::GATEWAY,
            Self::Orders => contracts::service::ORDERS,
            Self::Payments => contracts::service::PAYMENTS,
            Self::Stock => contracts::service::STOCK,
            Self::Kitchen => contracts::service::KITCHEN,
            Self::Sandbox => "sandbox",
        }
    }

    #[must_use]
    pub fn about(self) -> &'static str {
        match self {
            Self::Gateway => "Run the HTTP gateway alone (needs CONSUL_ADDR or the *_ADDRS settings)",
            Self::Orders => "Run orders alone (needs RABBITMQ_URL and MONGODB_URI)",
            Self::Payments => "Run payments alone (needs RABBITMQ_URL and MONGODB_URI)",
            Self::Stock => "Run stock alone (needs RABBITMQ_URL and MONGODB_URI)",
            Self::Kitchen => "Run kitchen alone (needs RABBITMQ_URL and MONGODB_URI)",
            Self::Sandbox => "Run the payment sandbox alone",
        }
    }

    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// Whether the role keeps data and takes events, and so needs a broker and a database that others reach too.
    #[must_use]
    pub fn is_stateful(self) -> bool {
        !matches!(self, Self::Gateway | Self::Sandbox)
    }

    /// Whom it calls.
    #[must_use]
    pub fn peers(self) -> &'static [Self] {
        match self {
            Self::Gateway => &[Self::Orders, Self::Payments, Self::Stock, Self::Kitchen],
            Self::Orders => &[Self::Payments, Self::Stock, Self::Kitchen],
            Self::Stock => &[Self::Orders],
            Self::Payments | Self::Kitchen | Self::Sandbox => &[],
        }
    }

    /// The setting that gives fixed addresses of this role to others.
    #[must_use]
    pub fn addresses_setting(self) -> Option<&'static str> {
        match self {
            Self::Orders => Some("ORDERS_ADDRS"),
            Self::Payments => Some("PAYMENTS_ADDRS"),
            Self::Stock => Some("STOCK_ADDRS"),
            Self::Kitchen => Some("KITCHEN_ADDRS"),
            Self::Gateway | Self::Sandbox => None,
        }
    }

    /// The setting with its documented address.
    #[must_use]
    pub fn address_setting(self) -> &'static str {
        match self {
            Self::Gateway => "HTTP_ADDR",
            Self::Orders => "ORDERS_GRPC_ADDR",
            Self::Payments => "PAYMENTS_GRPC_ADDR",
            Self::Stock => "STOCK_GRPC_ADDR",
            Self::Kitchen => "KITCHEN_GRPC_ADDR",
            Self::Sandbox => "SANDBOX_ADDR",
        }
    }
}

/// What the role lacks, as one line. The embedded store, bus and registry live inside one process and are never
/// shared, so a service on its own needs servers that others reach too.
pub fn check_available(role: Role, settings: &Settings) -> Result<(), SettingError> {
    if role.is_stateful() {
        check_servers(role, settings)?;
    }
    if role == Role::Payments {
        payments::Config::load(settings)?.check()?;
    }
    check_advertised(role, settings)?;
    check_peers(role, settings)
}

fn check_servers(role: Role, settings: &Settings) -> Result<(), SettingError> {
    let name = role.name();
    if !NETWORKED {
        return Err(SettingError {
            name: name.to_owned(),
            problem: "a service on its own needs a build with the networked adapters (cargo feature \
                      `networked`); this build runs all services in one process"
                .to_owned(),
            example: "`ordermesh up`".to_owned(),
        });
    }
    let unset = |setting, use_| {
        Err(SettingError::new(setting, format!("is not set, and {name} on its own {use_} there")))
    };
    if !settings.is_set("RABBITMQ_URL") && !settings.is_set("RABBITMQ_HOST") {
        return unset("RABBITMQ_URL", "sends and takes its events");
    }
    if !settings.is_set("MONGODB_URI") {
        return unset("MONGODB_URI", "keeps its data");
    }
    Ok(())
}

/// Others cannot call a wildcard.
fn check_advertised(role: Role, settings: &Settings) -> Result<(), SettingError> {
    let listens = if role.is_stateful() { "GRPC_ADDR" } else { role.address_setting() };
    let wildcard = settings.get::<SocketAddr>(listens)?.is_some_and(|at| at.ip().is_unspecified());
    if wildcard && settings.is_set("CONSUL_ADDR") && !settings.is_set("ADVERTISE_ADDR") {
        let problem =
            format!("is not set, and {listens} is a wildcard: the registry needs an address to give");
        return Err(SettingError::new("ADVERTISE_ADDR", problem));
    }
    Ok(())
}

fn check_peers(role: Role, settings: &Settings) -> Result<(), SettingError> {
    if NETWORKED && settings.is_set("CONSUL_ADDR") {
        return Ok(());
    }
    let registry = if NETWORKED { ", nor is CONSUL_ADDR" } else { "" };
    let unknown = role.peers().iter().filter_map(|peer| peer.addresses_setting());
    match unknown.into_iter().find(|name| !settings.is_set(name)) {
        Some(name) => Err(SettingError::new(
            name,
            format!("is not set{registry}, and {} on its own must find its peers", role.name()),
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(role: Role, settings: &[(&str, &str)]) -> Option<String> {
        let settings = settings.iter().fold(Settings::defaults(), |all, (name, text)| all.with(name, *text));
        check_available(role, &settings).err().map(|error| error.name)
    }

    const SERVERS: [(&str, &str); 2] =
        [("RABBITMQ_URL", "amqp://127.0.0.1"), ("MONGODB_URI", "mongodb://127.0.0.1")];

    #[test]
    fn a_role_that_calls_others_must_know_where_they_are() {
        assert_eq!(refused(Role::Gateway, &[]).as_deref(), Some("ORDERS_ADDRS"));
        let peers = ["ORDERS_ADDRS", "PAYMENTS_ADDRS", "STOCK_ADDRS", "KITCHEN_ADDRS"];
        assert_eq!(refused(Role::Gateway, &peers.map(|name| (name, "127.0.0.1:1"))), None);
        assert_eq!(refused(Role::Sandbox, &[]), None);
    }

    #[test]
    fn a_service_alone_needs_servers_and_a_build_that_can_use_them() {
        let (kitchen, payments) = (Role::Kitchen, Role::Payments);
        if !NETWORKED {
            assert_eq!(refused(kitchen, &SERVERS).as_deref(), Some("kitchen"));
            return;
        }
        assert_eq!(refused(kitchen, &[]).as_deref(), Some("RABBITMQ_URL"));
        assert_eq!(refused(kitchen, &SERVERS[..1]).as_deref(), Some("MONGODB_URI"));
        assert_eq!(refused(kitchen, &SERVERS), None);
        assert_eq!(refused(payments, &SERVERS).as_deref(), Some("STRIPE_SECRET_KEY"));
        let consul = [SERVERS[0], SERVERS[1], ("CONSUL_ADDR", "127.0.0.1:8500"), ("GRPC_ADDR", "0.0.0.0:1")];
        assert_eq!(refused(kitchen, &consul).as_deref(), Some("ADVERTISE_ADDR"));
    }
}
