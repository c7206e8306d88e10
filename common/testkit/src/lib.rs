//! For tests only: contract suites, faulty wrappers, fixtures, a manual clock.
