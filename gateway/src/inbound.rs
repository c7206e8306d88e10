//! The driving side: HTTP in, the views that leave, and the mesh clients that the handlers call.

pub(crate) mod convert;
pub(crate) mod http;
pub(crate) mod peers;
pub(crate) mod views;
