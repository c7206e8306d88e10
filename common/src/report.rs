//! What a check of stored data found: broken invariants, and apart from them work that is still in flight.

/// One line each. Clean means that no invariant is broken; work in flight is normal after a crash.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub violations: Vec<String>,
    pub in_flight: Vec<String>,
}

impl Report {
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.violations.is_empty()
    }

    pub fn violation(&mut self, line: impl Into<String>) {
        self.violations.push(line.into());
    }

    pub fn in_flight(&mut self, line: impl Into<String>) {
        self.in_flight.push(line.into());
    }

    /// Adds everything that another check found.
    pub fn merge(&mut self, other: Self) {
        self.violations.extend(other.violations);
        self.in_flight.extend(other.in_flight);
    }
}
