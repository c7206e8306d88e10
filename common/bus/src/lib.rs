//! Publish and consume events: ports, topology, adapters, outbox relay.
