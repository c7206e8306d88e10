//! An item's counters: what is there, what is promised, and the sums that prove both.

use serde::{Deserialize, Serialize};

use super::movement::Kind;

/// The most that an item can have on hand: the largest integer that every reader of JSON keeps exact.
pub const ON_HAND_CEILING: u64 = 9_007_199_254_740_991;

/// `held ≤ on_hand` and `initial + restocked + corrected = on_hand + committed`, at every moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    pub on_hand: u64,
    /// Promised to orders that are not paid yet.
    pub held: u64,
    /// Gone to paid orders, less what came back.
    pub committed: u64,
    pub initial: u64,
    pub restocked: u64,
    /// The sum of staff's corrections, which may lower the stock.
    pub corrected: i64,
}

impl Counters {
    #[must_use]
    pub fn available(&self) -> u64 {
        self.on_hand.saturating_sub(self.held)
    }

    /// The counters after a movement; `None` when it would break what always holds.
    #[must_use]
    pub fn after(self, kind: Kind, quantity: i64) -> Option<Self> {
        let mut next = self;
        if kind == Kind::Correction {
            next.corrected = self.corrected.checked_add(quantity)?;
            next.on_hand = self.on_hand.checked_add_signed(quantity)?;
        } else {
            next.shift(kind, u64::try_from(quantity).ok()?)?;
        }
        next.is_sound().then_some(next)
    }

    fn shift(&mut self, kind: Kind, quantity: u64) -> Option<()> {
        let add = |counter: &mut u64| {
            *counter = counter.checked_add(quantity)?;
            Some(())
        };
        let take = |counter: &mut u64| {
            *counter = counter.checked_sub(quantity)?;
            Some(())
        };
        match kind {
            Kind::Initial => add(&mut self.initial).and_then(|()| add(&mut self.on_hand)),
            Kind::Restock => add(&mut self.restocked).and_then(|()| add(&mut self.on_hand)),
            Kind::Hold => add(&mut self.held),
            Kind::Release => take(&mut self.held),
            Kind::Commit => {
                take(&mut self.held)?;
                take(&mut self.on_hand)?;
                add(&mut self.committed)
            }
            Kind::Return => take(&mut self.committed).and_then(|()| add(&mut self.on_hand)),
            Kind::Correction => None,
        }
    }

    /// Whether everything holds that always must.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let came = i128::from(self.initial) + i128::from(self.restocked) + i128::from(self.corrected);
        let went = i128::from(self.on_hand) + i128::from(self.committed);
        self.held <= self.on_hand && self.on_hand <= ON_HAND_CEILING && came == went
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn movement() -> impl Strategy<Value = (Kind, i64)> {
        let kinds = [
            Kind::Initial,
            Kind::Restock,
            Kind::Correction,
            Kind::Hold,
            Kind::Commit,
            Kind::Release,
            Kind::Return,
        ];
        (prop::sample::select(kinds.to_vec()), prop_oneof![-20..20_i64, Just(i64::MIN), Just(i64::MAX)])
    }

    proptest! {
        #[test]
        fn no_movement_makes_counters_unsound_and_each_is_undone_by_its_opposite(
            movements in prop::collection::vec(movement(), 1..60),
        ) {
            let mut counters = Counters::default();
            for (kind, quantity) in movements {
                let Some(next) = counters.after(kind, quantity) else { continue };
                prop_assert!(next.is_sound());
                prop_assert!(next.on_hand >= next.held);
                let undone = match kind {
                    Kind::Hold => next.after(Kind::Release, quantity),
                    Kind::Release => next.after(Kind::Hold, quantity),
                    Kind::Commit => {
                        next.after(Kind::Return, quantity).and_then(|c| c.after(Kind::Hold, quantity))
                    }
                    _ => Some(counters),
                };
                prop_assert_eq!(undone, Some(counters));
                counters = next;
            }
        }
    }
}
