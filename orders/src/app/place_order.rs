//! Place an order: claim, order, saga; and the answer to whoever asks for the same again.

use std::{sync::Arc, time::Duration};

use common::{Call, Code, Deadline, Fault, IdempotencyKey, OrderId, Timestamp, TraceContext, crash};

use super::{App, drivers::Seat};
use crate::{
    domain::{Answer, Claim, ClaimKey, Draft, Driver, Order, Refusal, Status, Verdict},
    ports::{ClaimWrite, Stored},
};

/// How long a request that waits for another process's driver goes without looking.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often a call that lost the race for its key looks again.
const JOIN_TRIES_MAX: usize = 4;

/// What the caller is told.
#[derive(Clone, Debug)]
pub enum Placed {
    Order {
        order: Arc<Stored<Order>>,
        /// False: the order is still being placed, or ended without a link.
        link_ready: bool,
        /// The stored answer to an earlier call with the client's key.
        replayed: bool,
    },
    Refused {
        refusal: Refusal,
        replayed: bool,
    },
}

/// Which order a call ended up with.
#[derive(Clone, Copy, Debug)]
struct Joined {
    id: OrderId,
    /// Whether an earlier call with the client's key made it.
    replayed: bool,
}

impl App {
    /// Places the order under the id that the caller minted, once per id and once per client's key.
    ///
    /// Faults: `invalid_order`, `idempotency_key_reused`, `idempotency_in_flight`, `resource_exhausted`,
    /// `unavailable` (the order may be there all the same).
    pub async fn place_order(
        self: &Arc<Self>,
        draft: Draft,
        key: Option<IdempotencyKey>,
    ) -> Result<Placed, Fault> {
        let until = self.patience();
        let draft = draft.check()?;
        let id = draft.order_id;
        let Some(seat) = self.drivers.enter(id)? else {
            return self.answer_joined(&draft, Joined { id, replayed: false }, until).await;
        };
        let now = self.now();
        let claim = key.map(|key| self.claim(&draft, &key, now));
        let write = claim.clone().map(|claim| ClaimWrite { claim, replaces: None });
        match self.create(seat, draft.clone(), write, now).await {
            Ok(()) => self.answer(id, false, until).await,
            Err(fault) if fault.is_version_conflict() => {
                let joined = self.join(&draft, claim).await?;
                self.answer_joined(&draft, joined, until).await
            }
            Err(fault) => Err(fault),
        }
    }

    /// How long the request waits: 80 % of what is left of its deadline.
    fn patience(&self) -> Deadline {
        let left =
            Call::current().map_or(self.parts.timing.request_deadline, |call| call.deadline.remaining());
        Deadline::after(left.mul_f64(0.8))
    }

    fn claim(&self, draft: &Draft, key: &IdempotencyKey, now: Timestamp) -> Claim {
        let fingerprint =
            crate::domain::fingerprint::of(&draft.lines, draft.note.as_deref(), draft.email.as_deref());
        let key = ClaimKey::new(&draft.customer_id, key);
        Claim::new(key, draft.order_id, fingerprint, self.lease_until(now), now)
    }

    /// Stores the order (behind its claim) and starts its saga.
    async fn create(
        self: &Arc<Self>,
        seat: Seat,
        draft: Draft,
        claim: Option<ClaimWrite>,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let driver = Driver::taken(&self.owner, self.lease_until(now));
        let trace = Call::current_trace().unwrap_or_else(|| TraceContext::root(&*self.parts.random));
        let order = Order::place(draft, driver, Some(trace), now);
        let stored = self.parts.orders.create(order, claim).await?;
        crash::point!("orders.saga.created");
        self.launch(seat, stored);
        Ok(())
    }

    /// Finds out what the claim or the order that is there already means for this call.
    async fn join(self: &Arc<Self>, draft: &Draft, claim: Option<Claim>) -> Result<Joined, Fault> {
        let same_hop = Joined { id: draft.order_id, replayed: false };
        let Some(wanted) = claim else { return Ok(same_hop) };
        for _ in 0..JOIN_TRIES_MAX {
            let now = self.now();
            let Some(found) = self.parts.orders.load_claim(&wanted.key).await? else { return Ok(same_hop) };
            let (id, renewed) = match found.body.judge(&wanted, now) {
                Verdict::Reused => return Err(key_reused()),
                Verdict::SameHop => (draft.order_id, None),
                Verdict::Forgotten => (draft.order_id, Some((wanted.clone(), found.version))),
                Verdict::Earlier(id) => {
                    let renewed = Claim { order_id: id, ..wanted.clone() };
                    (id, Some((renewed, found.version)))
                }
            };
            let joined = Joined { id, replayed: id != draft.order_id };
            if let Some(order) = self.parts.orders.load(id).await? {
                return match found.body.in_flight_for(now).filter(|_| joined.replayed) {
                    Some(left) if order.body.status == Status::Pending => Err(in_flight(left)),
                    _ => Ok(joined),
                };
            }
            if let Some(left) = found.body.in_flight_for(now).filter(|_| joined.replayed) {
                return Err(in_flight(left));
            }
            let Some(seat) = self.drivers.enter(id)? else { return Ok(joined) };
            let write = renewed.map(|(claim, version)| ClaimWrite { claim, replaces: Some(version) });
            let draft = Draft { order_id: id, ..draft.clone() };
            match self.create(seat, draft, write, now).await {
                Ok(()) => return Ok(joined),
                Err(fault) if fault.is_version_conflict() => {}
                Err(fault) => return Err(fault),
            }
        }
        Err(in_flight(Duration::from_secs(1)))
    }

    /// Answers with an order that this call did not make itself, once it is known to be the same order.
    async fn answer_joined(
        self: &Arc<Self>,
        draft: &Draft,
        joined: Joined,
        until: Deadline,
    ) -> Result<Placed, Fault> {
        let order = self.follow(joined.id, until).await?;
        let wanted =
            crate::domain::fingerprint::of(&draft.lines, draft.note.as_deref(), draft.email.as_deref());
        if order.body.customer_id != draft.customer_id || order.body.fingerprint() != wanted {
            return Err(key_reused());
        }
        Ok(told(order, joined.replayed))
    }

    async fn answer(self: &Arc<Self>, id: OrderId, replayed: bool, until: Deadline) -> Result<Placed, Fault> {
        Ok(told(self.follow(id, until).await?, replayed))
    }

    /// Waits until the order is no longer pending, at most until the deadline, and drives it if nobody else does.
    async fn follow(self: &Arc<Self>, id: OrderId, until: Deadline) -> Result<Arc<Stored<Order>>, Fault> {
        let mut watch = None;
        loop {
            let latest = match self.drivers.wait(id, until).await {
                Some(latest) => latest,
                None => Arc::new(self.find(id, None).await?),
            };
            if latest.body.status != Status::Pending || until.has_passed() {
                return Ok(latest);
            }
            let due = latest.body.driver.as_ref().is_none_or(|driver| driver.due_at() <= self.now());
            if due && self.resume(&latest).await? {
                continue;
            }
            // Another process drives it: its hints come over the bus, and now and then the store is asked.
            let changes = match &mut watch {
                Some(changes) => changes,
                none => none.insert(self.watchers.watch(id)?),
            };
            let look = tokio::time::Instant::now() + LOOK_EVERY;
            let _ = tokio::time::timeout_at(look.min(until.instant()), changes.changed()).await;
        }
    }
}

/// The answer as it was first given, or the order as it is while there is no final one.
fn told(order: Arc<Stored<Order>>, replayed: bool) -> Placed {
    match &order.body.answer {
        Some(Answer::Refused(refusal)) => Placed::Refused { refusal: refusal.clone(), replayed },
        Some(Answer::Placed { version, at }) => {
            let order = if order.version == *version {
                order
            } else {
                Arc::new(Stored { body: order.body.as_placed(*at), version: *version })
            };
            Placed::Order { order, link_ready: true, replayed }
        }
        None => {
            let link_ready = order.body.checkout.is_some();
            let replayed = replayed && order.body.status != Status::Pending;
            Placed::Order { order, link_ready, replayed }
        }
    }
}

fn key_reused() -> Fault {
    Fault::new(Code::IdempotencyKeyReused, "this Idempotency-Key came with another order before")
}

/// Rounded up to whole seconds, which is what `Retry-After` can say.
fn in_flight(left: Duration) -> Fault {
    let seconds = Duration::from_secs(left.as_secs() + u64::from(left.subsec_nanos() > 0));
    Fault::new(Code::IdempotencyInFlight, "the first order with this Idempotency-Key is still being placed")
        .with_retry_after(seconds)
}
