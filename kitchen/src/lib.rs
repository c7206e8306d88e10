//! The kitchen service.
