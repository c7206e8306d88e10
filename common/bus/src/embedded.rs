//! The embedded adapter: durable queues in the process's own database.
