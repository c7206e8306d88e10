//! Items with their counters, reservations that move them, and the ledger that can prove both.

pub mod audit;
pub mod bench;
pub mod catalogue;
pub mod counters;
pub mod event;
pub mod item;
pub mod menu;
pub mod movement;
pub mod reservation;
pub mod restock;
pub mod settle;
pub mod shortage;
pub mod standing;
pub mod wanted;
