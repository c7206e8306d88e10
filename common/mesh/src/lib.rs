//! Find and call a healthy peer: discovery ports and adapters, and the client-side data plane, as a library.

pub mod channel;
pub mod discovery;
pub mod method;
pub mod observer;
pub mod report;
pub mod server;
mod spans;
mod wire;

pub use channel::{Mesh, MeshChannel, MeshSettings};
#[cfg(feature = "networked")]
pub use discovery::consul::{ConsulRegistry, ConsulSettings};
pub use discovery::{
    Check, Endpoint, EndpointSet, Instance, Peer, Registrar, Registration, Resolver,
    embedded::EmbeddedRegistry, fixed::FixedResolver,
};
pub use method::{Method, MethodTable, Shape};
pub use observer::{Attempt, Observer};
