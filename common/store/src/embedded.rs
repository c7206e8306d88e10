//! The embedded adapter: fjall, one database per process, one writer that groups what queued during the last fsync.
