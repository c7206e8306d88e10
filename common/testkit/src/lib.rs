//! For tests only: contract suites, faulty wrappers, fixtures, a manual clock.

pub mod clock;
pub mod random;
