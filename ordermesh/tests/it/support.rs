//! What the tests of whole meshes share: the program as a process, and what a customer and the staff do with it.

mod people;
mod program;
mod raw;

pub(crate) use people::{Order, People, eventually};
pub(crate) use program::{Program, Running};
pub(crate) use raw::talk;
