# The recipes that people and CI run.

# List them.
default:
    @just --list

# Everything that CI checks, in its order.
ci: fmt clippy deny test check-deploy live browser

fmt:
    cargo fmt --all --check

# Both builds: the embedded one, and the one for many processes with the suites on real servers.
clippy:
    cargo clippy --workspace --all-targets -- --deny warnings
    cargo clippy --workspace --all-targets --features networked,testkit/servers -- --deny warnings

# Licences, bans, sources always; advisories where their database can be reached.
deny:
    cargo deny --all-features check bans licenses sources
    ./.ci/advisories

test:
    cargo test --workspace

# Real servers, installed once: RabbitMQ, Consul, a MongoDB-compatible one, stripe-mock, promtool (needs go and cargo).
live-servers *servers:
    ./.ci/live-servers {{servers}}

# The suites that need real servers; `just live store`, `just live rabbitmq` and `just live store -- NAME` run a part.
live *suites: live-servers
    ./.ci/live {{suites}}

# The compose file, the Kubernetes manifests, the alerts and the dashboard, without an engine (needs go and python3).
check-deploy: (live-servers "promtool")
    ./deploy/check

# The pages in a headless browser (needs chromium).
browser:
    ./.ci/browser

# Orders per second beside the durable skeleton and a bare chain, in one run (needs wrk).
bench *args:
    cargo bench -p ordermesh --bench throughput -- {{args}}

# Write the golden files anew: dependency edges and gRPC descriptors.
golden:
    UPDATE_GOLDEN=1 cargo test -p ordermesh --test tidy
    UPDATE_GOLDEN=1 cargo test -p contracts
