//! Find and call a healthy peer: discovery ports and adapters, and the client-side data plane, as a library.

pub mod channel;
pub mod discovery;

pub use channel::{Mesh, MeshChannel, MeshSettings};
pub use discovery::{Endpoint, EndpointSet, Instance, Registrar, Registration, Resolver};
