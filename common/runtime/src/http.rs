//! An HTTP/1.1 server with the limits that `axum::serve` lacks: header time and size, connections, drain.
