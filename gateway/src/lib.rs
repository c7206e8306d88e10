//! HTTP in, mesh clients out.
