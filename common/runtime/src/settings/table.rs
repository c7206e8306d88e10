//! The table: every setting with its kind, default, example and meaning. What is not here does not exist.

use super::Kind;

/// One setting: an environment variable, a line of `.env`, a key of the file and a flag of the same name.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    pub name: &'static str,
    pub kind: Kind,
    pub default: Option<&'static str>,
    pub example: &'static str,
    pub help: &'static str,
    /// Other environment variables that mean the same.
    pub aliases: &'static [&'static str],
}

impl Setting {
    /// Secrets are hidden and may be read from the file that `NAME_FILE` names.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        self.kind == Kind::Secret
    }

    /// The name in a configuration file: `http_addr`.
    #[must_use]
    pub fn key(&self) -> String {
        self.name.to_ascii_lowercase()
    }

    /// The name as a flag, without the dashes: `http-addr`.
    #[must_use]
    pub fn flag(&self) -> String {
        self.key().replace('_', "-")
    }

    const fn default(self, default: &'static str) -> Self {
        Self { default: Some(default), ..self }
    }

    const fn alias(self, aliases: &'static [&'static str]) -> Self {
        Self { aliases, ..self }
    }
}

pub(super) fn find(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.name == name)
}

const fn row(name: &'static str, kind: Kind, example: &'static str, help: &'static str) -> Setting {
    Setting { name, kind, default: None, example, help, aliases: &[] }
}

/// Every setting there is.
pub const SETTINGS: &[Setting] = &[
    row("HTTP_ADDR", Kind::Bind, "127.0.0.1:8080", "where the gateway listens").default("127.0.0.1:8080"),
    row("ORDERS_GRPC_ADDR", Kind::Bind, "127.0.0.1:2000", "all-in-one: where orders listens")
        .default("127.0.0.1:2000"),
    row("PAYMENTS_GRPC_ADDR", Kind::Bind, "127.0.0.1:2001", "all-in-one: where payments listens")
        .default("127.0.0.1:2001"),
    row("STOCK_GRPC_ADDR", Kind::Bind, "127.0.0.1:2002", "all-in-one: where stock listens")
        .default("127.0.0.1:2002"),
    row("KITCHEN_GRPC_ADDR", Kind::Bind, "127.0.0.1:2003", "all-in-one: where kitchen listens")
        .default("127.0.0.1:2003"),
    row(
        "GRPC_ADDR",
        Kind::Bind,
        "127.0.0.1:2000",
        "a role on its own: where it listens (its documented port unless set)",
    ),
    row(
        "ADVERTISE_ADDR",
        Kind::HostPort,
        "orders-1:2000",
        "what a role registers, when others reach it elsewhere",
    ),
    row("ADVERTISE_TAGS", Kind::Text, "canary", "tags of a role's instance in the registry, comma-separated"),
    row("METRICS_ADDR", Kind::Bind, "127.0.0.1:9100", "HTTP with /metrics, /health and /ready, for any role"),
    row("ORDERS_ADDRS", Kind::HostPorts, "127.0.0.1:2000", "fixed addresses of orders, comma-separated"),
    row("PAYMENTS_ADDRS", Kind::HostPorts, "127.0.0.1:2001", "fixed addresses of payments, comma-separated"),
    row("STOCK_ADDRS", Kind::HostPorts, "127.0.0.1:2002", "fixed addresses of stock, comma-separated"),
    row("KITCHEN_ADDRS", Kind::HostPorts, "127.0.0.1:2003", "fixed addresses of kitchen, comma-separated"),
    row(
        "PUBLIC_URL",
        Kind::Url,
        "https://shop.example.com",
        "base of the links that leave the mesh; needed when HTTP_ADDR is a wildcard",
    ),
    row("INSECURE", Kind::Switch, "on", "allow addresses beyond loopback without authentication or identity")
        .default("off"),
    row(
        "IDENTITY",
        Kind::Choice(&["off", "embedded", "files", "consul"]),
        "off",
        "mutual TLS between services",
    )
    .default("off"),
    row("DATA_DIR", Kind::Text, "./data", "folder of the embedded store, the bus and the sandbox")
        .default("./data"),
    row(
        "RUN_SEEDER",
        Kind::Switch,
        "on",
        "add what is missing of the sample menu (on in all-in-one, off for a role)",
    ),
    row("KITCHEN_AUTOPILOT", Kind::Switch, "on", "the kitchen cooks by itself, for demos").default("off"),
    row(
        "STRIPE_SECRET_KEY",
        Kind::Secret,
        "sk_test_…",
        "Stripe's secret key; without one the all-in-one program uses its sandbox",
    ),
    row(
        "STRIPE_WEBHOOK_SECRET",
        Kind::Secret,
        "whsec_…",
        "webhook signing secret; several, comma-separated, during rotation",
    ),
    row("STRIPE_API_BASE", Kind::Url, "https://api.stripe.com", "where the Stripe adapter sends its calls"),
    row("SANDBOX_ADDR", Kind::Bind, "127.0.0.1:8090", "where the payment sandbox listens")
        .default("127.0.0.1:8090"),
    row(
        "SANDBOX_PUBLIC_URL",
        Kind::Url,
        "http://127.0.0.1:8090",
        "base of the sandbox's checkout links (http:// + SANDBOX_ADDR unless set)",
    ),
    row(
        "SANDBOX_WEBHOOK_URL",
        Kind::Url,
        "http://127.0.0.1:8080/api/webhooks/stripe",
        "where the sandbox posts its webhooks (the gateway unless set)",
    ),
    row(
        "CHECKOUT_TTL_S",
        Kind::Number { min: 2100, max: 86_100 },
        "2700",
        "lifetime of a checkout link in seconds",
    )
    .default("2700"),
    row(
        "RECONCILE_INTERVAL_S",
        Kind::Number { min: 1, max: 3600 },
        "10",
        "how often payments asks the provider what happened",
    )
    .default("10"),
    row("CONSUL_ADDR", Kind::Text, "http://127.0.0.1:8500", "the Consul agent").alias(&["CONSUL_HTTP_ADDR"]),
    row("CONSUL_HTTP_TOKEN", Kind::Secret, "…", "the Consul ACL token"),
    row("CONSUL_CACERT", Kind::Text, "/etc/consul/ca.pem", "the CA of the Consul agent"),
    row(
        "CONSUL_CLIENT_CERT",
        Kind::Text,
        "/etc/consul/client.pem",
        "what we show an agent that verifies clients",
    ),
    row("CONSUL_CLIENT_KEY", Kind::Text, "/etc/consul/client.key", "its key, PKCS #8"),
    row(
        "CONSUL_DATACENTER",
        Kind::Text,
        "dc1",
        "where instances are looked for (the agent's own unless set)",
    ),
    row(
        "CONSUL_CHECK",
        Kind::Choice(&["agent", "ttl"]),
        "agent",
        "who finds out whether an instance is well: the agent calls it, or it tells the agent (ttl)",
    )
    .default("agent"),
    row("RABBITMQ_URL", Kind::Secret, "amqp://user:pass@127.0.0.1:5672", "the broker"),
    row("RABBITMQ_USER", Kind::Text, "ordermesh", "the broker's user, in place of RABBITMQ_URL"),
    row("RABBITMQ_PASS", Kind::Secret, "…", "the broker's password"),
    row("RABBITMQ_HOST", Kind::Text, "127.0.0.1", "the broker's host"),
    row("RABBITMQ_PORT", Kind::Number { min: 1, max: 65_535 }, "5672", "the broker's port"),
    row("RABBITMQ_CACERT", Kind::Text, "/etc/rabbitmq/ca.pem", "the CA of the broker, for amqps"),
    row("MONGODB_URI", Kind::Secret, "mongodb://127.0.0.1:27017", "MongoDB; one database per service"),
    row(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        Kind::Url,
        "http://127.0.0.1:4317",
        "where traces go: Jaeger or another collector (none unless set)",
    ),
    row(
        "OTEL_EXPORTER_OTLP_PROTOCOL",
        Kind::Choice(&["grpc", "http/protobuf"]),
        "grpc",
        "how traces are sent; Jaeger takes grpc at port 4317 and http/protobuf at 4318",
    )
    .default("grpc"),
    row(
        "OTEL_EXPORTER_OTLP_HEADERS",
        Kind::Secret,
        "authorization=Bearer%20…",
        "headers sent with traces: key=value, comma-separated, values percent-encoded",
    ),
    row(
        "OTEL_TRACES_SAMPLER",
        Kind::Choice(&[
            "always_on",
            "always_off",
            "traceidratio",
            "parentbased_always_on",
            "parentbased_always_off",
            "parentbased_traceidratio",
        ]),
        "parentbased_traceidratio",
        "which traces are recorded",
    )
    .default("parentbased_always_on"),
    row(
        "OTEL_TRACES_SAMPLER_ARG",
        Kind::Text,
        "0.1",
        "the share of traces that a traceidratio sampler records",
    ),
    row(
        "OTEL_RESOURCE_ATTRIBUTES",
        Kind::Text,
        "deployment.environment.name=staging",
        "attributes of the process in its traces: key=value, comma-separated, values percent-encoded",
    ),
    row(
        "OTEL_SERVICE_NAME",
        Kind::Text,
        "orders-eu",
        "a role on its own: its name in traces (the role's unless set)",
    ),
    row("LOG_LEVEL", Kind::Text, "info", "log filter, such as info or orders=debug")
        .default("info")
        .alias(&["RUST_LOG"]),
    row(
        "LOG_FORMAT",
        Kind::Choice(&["text", "json"]),
        "json",
        "text on a terminal, JSON elsewhere, unless set",
    ),
    row("NOTIFIER", Kind::Choice(&["log", "smtp", "webhook"]), "smtp", "how people are told what happens")
        .default("log"),
    row(
        "SMTP_URL",
        Kind::Secret,
        "smtp://user:pass@mail.example.com:587?tls=required",
        "the mail server; smtps:// for TLS from the first byte, ?tls=required for STARTTLS",
    ),
    row("SMTP_FROM", Kind::Text, "Shop <shop@example.com>", "the sender, who also hears of low stock"),
    row(
        "SMTP_TO",
        Kind::Text,
        "{customer_id}@example.com",
        "where mail goes for an order that came without an address",
    ),
    row("NOTIFY_WEBHOOK_URL", Kind::Url, "https://example.com/hook", "where notices are posted"),
    row(
        "NOTIFY_WEBHOOK_SECRET",
        Kind::Secret,
        "whsec_…",
        "signs notices (Standard Webhooks); several, comma-separated, during rotation",
    ),
    row(
        "REQUEST_DEADLINE_MS",
        Kind::Number { min: 100, max: 60_000 },
        "5000",
        "the deadline that enters at the gateway",
    )
    .default("5000"),
    row(
        "CRASH_AT",
        Kind::Text,
        "orders.saga.reserved",
        "die at this declared crash point, as with kill -9 (for tests)",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_passes_its_own_check_and_names_are_unique() {
        for setting in SETTINGS {
            assert_eq!(
                setting.default.map_or(Ok(()), |text| setting.kind.check(text)),
                Ok(()),
                "{}",
                setting.name
            );
            assert_eq!(
                SETTINGS.iter().filter(|other| other.name == setting.name).count(),
                1,
                "{}",
                setting.name
            );
            assert!(!setting.help.is_empty() && !setting.example.is_empty(), "{}", setting.name);
        }
    }
}
