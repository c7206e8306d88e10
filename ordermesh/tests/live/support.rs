//! What the tests of the mesh on real servers share.

mod cluster;

pub(crate) use cluster::{Cluster, Servers};
