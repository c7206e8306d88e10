//! A page of a list and the bound on its size.

use crate::fault::{Code, Fault};

/// How many entries a page may hold: 1–100, 20 unless told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit(u16);

impl Limit {
    pub const MAX: u16 = 100;
    pub const DEFAULT: Self = Self(20);

    /// `invalid_parameter` outside 1–100.
    pub fn new(limit: u64) -> Result<Self, Fault> {
        match u16::try_from(limit) {
            Ok(limit @ 1..=Self::MAX) => Ok(Self(limit)),
            _ => Err(Fault::new(Code::InvalidParameter, "limit is a number from 1 to 100")),
        }
    }

    #[must_use]
    pub fn get(self) -> usize {
        usize::from(self.0)
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Entries and, when there are more, the cursor that continues behind them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    pub entries: Vec<T>,
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// The same page with each entry changed.
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Page<U> {
        Page { entries: self.entries.into_iter().map(change).collect(), next_cursor: self.next_cursor }
    }
}
