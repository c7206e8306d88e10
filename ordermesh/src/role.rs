//! The roles that can run in a process of their own, and what each lacks in this build.

use runtime::{SettingError, Settings};

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
            Self::Gateway => "Run the HTTP gateway alone; finds its peers by the *_ADDRS settings",
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
}

/// What this build cannot do for the role, as one line. The embedded store, bus and registry live inside one process
/// and are never shared, so a stateful role on its own needs the networked adapters.
pub fn check_available(role: Role, settings: &Settings) -> Result<(), SettingError> {
    if role.is_stateful() {
        let missing: Vec<_> =
            ["RABBITMQ_URL", "MONGODB_URI"].into_iter().filter(|n| !settings.is_set(n)).collect();
        let unset =
            if missing.is_empty() { String::new() } else { format!("{} not set; ", missing.join(" and ")) };
        return Err(SettingError {
            name: role.name().to_owned(),
            problem: format!(
                "{unset}a service on its own needs a build with the networked adapters (cargo feature `networked`); \
                 this build runs all services in one process"
            ),
            example: "`ordermesh up`".to_owned(),
        });
    }
    if role == Role::Gateway {
        for name in ["ORDERS_ADDRS", "PAYMENTS_ADDRS", "STOCK_ADDRS", "KITCHEN_ADDRS"] {
            if !settings.is_set(name) {
                return Err(SettingError::new(
                    name,
                    "is not set, and a gateway on its own must know its peers",
                ));
            }
        }
    }
    Ok(())
}
