//! What the tests of the mesh on real servers share: the processes, and what people do with any mesh.

#[path = "../it/support/aftermath.rs"]
mod aftermath;
mod cluster;
#[path = "../it/support/crowd.rs"]
#[expect(dead_code, reason = "shared with the tests of one process")]
mod crowd;
mod load;
#[path = "../it/support/people.rs"]
#[expect(dead_code, reason = "shared with the tests of one process")]
mod people;
mod settling;

pub(crate) use aftermath::assert_all_ends_well;
pub(crate) use cluster::{Cluster, Servers};
pub(crate) use crowd::Promises;
pub(crate) use load::{Load, Placed, Try};
pub(crate) use people::{Order, People, within};
pub(crate) use settling::assert_all_settles;
