//! Structured logs on stderr: text on a terminal, JSON lines elsewhere.
