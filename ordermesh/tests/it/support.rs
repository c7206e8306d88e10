//! What the tests of whole meshes share: the program as a process, what a customer and the staff do with it, and what
//! must be true after anything that happened to it.

mod aftermath;
mod books;
mod crowd;
mod in_process;
mod people;
mod program;
mod raw;

pub(crate) use aftermath::assert_all_ends_well;
pub(crate) use books::assert_all_comes_right;
pub(crate) use crowd::{Crowd, Flow, Promises};
pub(crate) use in_process::Mesh;
pub(crate) use people::{Order, People, eventually, within};
pub(crate) use program::{Program, Running};
pub(crate) use raw::talk;
