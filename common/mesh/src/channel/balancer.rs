//! The pick: power of two choices among the endpoints that are up, drawn by weight, the less loaded one taken.
//!
//! tower's `balance::p2c` was not used: it owns its services and needs `&mut` and `poll_ready` for every pick, which
//! costs a task, a queue and a wake-up per call behind a shared channel, and it knows no weights. This one is an
//! immutable value behind a watch: a pick is two draws, two binary searches and a few atomic reads.

use std::sync::Arc;

use tokio::time::Instant;

/// Something to choose from.
pub(crate) trait Candidate {
    /// Expected cost of one more call; lower is better.
    fn cost(&self, weight: u32, now: Instant) -> f32;
}

/// How much dearer the first draw may be and still be kept. Without it, two equal endpoints would take turns in
/// getting *every* call, whichever measured a microsecond less last, and weights would mean nothing.
const SLACK: f32 = 1.25;

/// The endpoints that may be called now.
#[derive(Debug)]
pub(crate) struct Balancer<C> {
    members: Box<[Arc<C>]>,
    /// Running sums of the weights; the last is their total, kept below 2³².
    sums: Box<[u64]>,
}

impl<C: Candidate> Balancer<C> {
    /// A balancer over these; a weight of 0 counts as 1.
    pub(crate) fn new(members: impl IntoIterator<Item = (u32, Arc<C>)>) -> Self {
        let (mut sum, mut sums, mut kept) = (0, Vec::new(), Vec::new());
        for (weight, member) in members {
            sum += u64::from(weight.clamp(1, 0xffff));
            sums.push(sum);
            kept.push(member);
        }
        Self { members: kept.into(), sums: sums.into() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The one to call; `None` only when there is none. `random` is one draw of 64 bits. The one to `avoid` (it just
    /// failed) is taken only when it is the only one.
    pub(crate) fn pick(&self, random: u64, now: Instant, avoid: Option<&Arc<C>>) -> Option<&Arc<C>> {
        if self.members.len() < 2 {
            return self.members.first();
        }
        let (first, second) = self.two(random);
        let (a, b) = (&self.members[first], &self.members[second]);
        if let Some(avoid) = avoid {
            let same = |member: &Arc<C>| Arc::ptr_eq(member, avoid);
            match (same(a), same(b)) {
                (true, _) => return Some(b),
                (_, true) => return Some(a),
                _ => {}
            }
        }
        let dearer = a.cost(self.weight(first), now) > SLACK * b.cost(self.weight(second), now);
        Some(if dearer { b } else { a })
    }

    /// Two different members, each drawn by weight; the second from what the first leaves.
    fn two(&self, random: u64) -> (usize, usize) {
        let total = self.sums[self.sums.len() - 1];
        let first = self.at(scale(random >> 32, total));
        let (start, weight) = (self.start(first), u64::from(self.weight(first)));
        let point = scale(random & 0xffff_ffff, total - weight);
        let second = self.at(if point < start { point } else { point + weight });
        (first, second)
    }

    fn at(&self, point: u64) -> usize {
        self.sums.partition_point(|sum| *sum <= point)
    }

    fn start(&self, index: usize) -> u64 {
        index.checked_sub(1).map_or(0, |before| self.sums[before])
    }

    fn weight(&self, index: usize) -> u32 {
        u32::try_from(self.sums[index] - self.start(index)).expect("weights are clamped to 16 bits")
    }
}

/// A 32-bit draw scaled to `0..bound`; the bias is below 2⁻¹⁶ for a thousand endpoints.
fn scale(draw: u64, bound: u64) -> u64 {
    (draw * bound) >> 32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug)]
    struct Fixed(f32);

    impl Candidate for Fixed {
        fn cost(&self, _: u32, _: Instant) -> f32 {
            self.0
        }
    }

    fn balancer(members: &[(u32, f32)]) -> Balancer<Fixed> {
        Balancer::new(members.iter().map(|(weight, cost)| (*weight, Arc::new(Fixed(*cost)))))
    }

    fn draws(seed: u64) -> impl Iterator<Item = u64> {
        std::iter::successors(Some(seed), |z| Some(z.wrapping_add(0x9e37_79b9_7f4a_7c15))).map(|mut z| {
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        })
    }

    fn shares(members: &[(u32, f32)], picks: u32, seed: u64) -> Vec<f64> {
        let balancer = balancer(members);
        let mut counts = vec![0_u32; members.len()];
        for draw in draws(seed).take(picks as usize) {
            let pick = balancer.pick(draw, Instant::now(), None).unwrap();
            let index = balancer.members.iter().position(|member| Arc::ptr_eq(member, pick)).unwrap();
            counts[index] += 1;
        }
        counts.into_iter().map(|count| f64::from(count) / f64::from(picks)).collect()
    }

    #[test]
    fn a_faster_endpoint_gets_what_two_choices_give_it_and_the_slowest_gets_nothing() {
        let got = shares(&[(1, 1.0), (1, 2.0), (1, 4.0)], 30_000, 1);
        assert!((got[0] - 2.0 / 3.0).abs() < 0.02 && (got[1] - 1.0 / 3.0).abs() < 0.02, "{got:?}");
        assert!(got[2] == 0.0, "{got:?}");
    }

    #[test]
    fn equal_endpoints_share_by_weight() {
        let got = shares(&[(1, 1.0), (3, 1.1), (6, 1.0)], 30_000, 2);
        for (got, due) in got.iter().zip([0.1, 0.3, 0.6]) {
            assert!((got - due).abs() < 0.02, "{got} instead of {due}");
        }
    }

    #[test]
    fn a_set_of_none_or_one_needs_no_choice() {
        assert!(balancer(&[]).pick(u64::MAX, Instant::now(), None).is_none());
        let one = balancer(&[(0, 1.0)]);
        let only = one.members[0].clone();
        assert!(Arc::ptr_eq(one.pick(0, Instant::now(), Some(&only)).unwrap(), &only));
    }

    proptest! {
        #[test]
        fn a_pick_is_a_member_and_the_avoided_one_only_when_it_is_alone(
            members in prop::collection::vec((0..70_000_u32, 0.0..1e9_f32), 1..50),
            draw: u64,
            avoided: prop::sample::Index,
        ) {
            let balancer = balancer(&members);
            let (first, second) = if members.len() > 1 { balancer.two(draw) } else { (0, 1) };
            prop_assert!(first != second && first < members.len());
            let avoid = balancer.members[avoided.index(members.len())].clone();
            let pick = balancer.pick(draw, Instant::now(), Some(&avoid)).unwrap();
            prop_assert!(balancer.members.iter().any(|member| Arc::ptr_eq(member, pick)));
            prop_assert!(members.len() == 1 || !Arc::ptr_eq(pick, &avoid));
        }

        #[test]
        fn nobody_gets_more_than_two_draws_of_its_weight(
            members in prop::collection::vec((1..20_u32, 1.0..1e3_f32), 2..12),
            seed: u64,
        ) {
            let total: u32 = members.iter().map(|(weight, _)| weight).sum();
            let heaviest = members.iter().map(|(weight, _)| *weight).max().unwrap();
            for ((weight, _), share) in members.iter().zip(shares(&members, 2_000, seed)) {
                // First draw, or second after any first.
                let first = f64::from(*weight) / f64::from(total);
                let second = if *weight == total { 0.0 } else { f64::from(*weight) / f64::from(total - heaviest) };
                prop_assert!(share <= first + second.min(1.0) + 0.08, "{share} of {members:?}");
            }
        }
    }
}
