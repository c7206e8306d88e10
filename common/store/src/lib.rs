//! Versioned documents and their outbox in one commit: port, typed client, adapters.
