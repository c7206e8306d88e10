//! Drive a saga: reserve, create the checkout, link; retry with back-off, give up after ten minutes. Every step may
//! run twice, and every save is a compare-and-swap, so two drivers of one order do no harm.

use std::{sync::Arc, time::Duration};

use common::{Call, Fault, Kind, Span, TraceContext, crash};
use tokio::time::Instant;

use super::{App, change::Step, drivers::Seat, visit::Occasion};
use crate::{
    domain::{
        Line, Order, Refusal, Status,
        driver::{GIVE_UP_AFTER, backoff},
    },
    ports::{CheckoutAnswer, Reservation, Stored},
};

/// What a hold outlives the session and the saga by.
const HOLD_SLACK: Duration = Duration::from_secs(300);

/// A saga in hand.
struct Run {
    seat: Seat,
    saga: Arc<Stored<Order>>,
    /// Every step is below it.
    span: Span,
    /// When the lease of this driver ends.
    lapses: Instant,
    attempts: u32,
}

impl App {
    /// Starts to drive an order that was just stored under this process's lease.
    pub(super) fn launch(self: &Arc<Self>, seat: Seat, saga: Stored<Order>) {
        let (app, cause) = (Arc::clone(self), Call::current_trace());
        let saga = Arc::new(saga);
        seat.show(Arc::clone(&saga));
        self.parts
            .background
            .spawn("orders.saga", Box::pin(async move { app.drive(seat, saga, cause).await }));
    }

    /// Takes over a saga whose driver is gone and drives it in the background; false when someone else does.
    pub(super) async fn resume(self: &Arc<Self>, stale: &Stored<Order>) -> Result<bool, Fault> {
        match self.take_over(stale).await? {
            Some((seat, saga)) => {
                self.launch(seat, saga);
                Ok(true)
            }
            None => Ok(false),
        }
    }

    /// Takes the lease of a saga that is due; `None` when someone else has it.
    pub(super) async fn take_over(
        &self,
        stale: &Stored<Order>,
    ) -> Result<Option<(Seat, Stored<Order>)>, Fault> {
        let Some(seat) = self.drivers.enter(stale.body.id)? else { return Ok(None) };
        let mut next = stale.body.clone();
        next.take_over(&self.owner, self.lease_until(self.now()));
        match self.save(stale, next, None).await {
            Ok(saga) => {
                crash::point!("orders.saga.taken_over");
                Ok(Some((seat, saga)))
            }
            Err(fault) if fault.is_version_conflict() => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// Drives until the order is decided, another driver has it, or this one's lease ends.
    /// `cause` is the request that it is done for.
    pub(super) async fn drive(
        self: &Arc<Self>,
        seat: Seat,
        saga: Arc<Stored<Order>>,
        cause: Option<TraceContext>,
    ) {
        let Some(driver) = saga.body.driver.clone() else { return };
        let lapses = Instant::now() + driver.until.since(self.now());
        let span = self.work_on(&saga.body, "orders.saga", cause);
        let mut run = Run { seat, saga, span, lapses, attempts: driver.attempts };
        while run.saga.body.status == Status::Pending {
            match self.advance(&run).await {
                Ok(saga) => run.shows(saga),
                Err(fault) if fault.is_version_conflict() => {
                    if !self.obey(&mut run).await {
                        return;
                    }
                }
                Err(fault) => {
                    if !self.back_off(&mut run, &fault).await {
                        return;
                    }
                    self.look_again(&mut run).await;
                }
            }
        }
        let Run { seat, saga, span, .. } = run;
        drop(seat);
        if saga.body.undo.is_open() {
            self.act(Arc::unwrap_or_clone(saga), Occasion::Decision, Some(span.context())).await;
        }
    }

    /// One pass over the steps; answers with the order once it is decided.
    async fn advance(&self, run: &Run) -> Result<Stored<Order>, Fault> {
        let order = &run.saga.body;
        let hold_until = order.created_at + self.parts.timing.checkout_ttl + GIVE_UP_AFTER + HOLD_SLACK;
        let lines = match self
            .step(run.names("saga.reserve"), self.parts.stock.reserve(order, hold_until))
            .await?
        {
            Reservation::Held(lines) => lines,
            Reservation::Short(lines) => {
                return self.refuse(run, Refusal::InsufficientStock { lines }).await;
            }
            Reservation::Unknown(items) => return self.refuse(run, Refusal::UnknownItem { items }).await,
            Reservation::Refused(detail) => return self.refuse(run, Refusal::InvalidOrder { detail }).await,
            Reservation::Closed => return self.closed(run).await,
        };
        crash::point!("orders.saga.reserved");
        self.charge(run, lines).await
    }

    /// The second half: prices are known, the link is fetched and stored.
    async fn charge(&self, run: &Run, lines: Vec<Line>) -> Result<Stored<Order>, Fault> {
        let mut next = run.saga.body.clone();
        if let Err(fault) = next.price(lines) {
            if fault.kind() != Kind::Invalid {
                return Err(fault);
            }
            return self.refuse(run, Refusal::InvalidOrder { detail: fault.public().to_owned() }).await;
        }
        let checkout = match self
            .step(run.names("saga.create_checkout"), self.parts.payments.create_checkout(&next))
            .await?
        {
            CheckoutAnswer::Open(checkout) => checkout,
            CheckoutAnswer::Rejected => return self.refuse(run, Refusal::PaymentRejected).await,
            CheckoutAnswer::Closed => return self.closed(run).await,
        };
        crash::point!("orders.saga.checkout_created");
        let priced = next.clone();
        next.link(checkout.clone(), run.saga.version + 1, self.now());
        match self.step(run.names("saga.link"), self.save(&run.saga, next, None)).await {
            Err(fault) if fault.is_version_conflict() => {
                let mut known = priced;
                known.checkout = Some(checkout);
                self.step(run.names("saga.fill_in"), self.fill_in(&known)).await?;
                Err(fault)
            }
            saved => {
                crash::point!("orders.saga.linked");
                saved
            }
        }
    }

    /// A payment can be heard of before the saga stored what was bought: whoever knows the lines adds them.
    async fn fill_in(&self, known: &Order) -> Result<(), Fault> {
        let stored = self.find(known.id, None).await?;
        let fill = |order: &mut Order, _| {
            if order.status == Status::Pending || order.status.is_closed_unpaid() || order.total.is_some() {
                return Ok(Step::Keep(()));
            }
            order.lines.clone_from(&known.lines);
            order.total = known.total;
            order.checkout.clone_from(&known.checkout);
            Ok(Step::Save(()))
        };
        self.change(stored, None, fill).await.map(drop)
    }

    async fn refuse(&self, run: &Run, refusal: Refusal) -> Result<Stored<Order>, Fault> {
        let mut next = run.saga.body.clone();
        next.refuse(refusal, self.now());
        let saved = self.step(run.names("saga.refuse"), self.save(&run.saga, next, None)).await?;
        crash::point!("orders.saga.refused");
        Ok(saved)
    }

    /// A peer says that the order was closed: it was cancelled meanwhile, or nobody knows why and then it is now.
    async fn closed(&self, run: &Run) -> Result<Stored<Order>, Fault> {
        self.end(run, "closed_by_peer").await
    }

    async fn end(&self, run: &Run, cause: &'static str) -> Result<Stored<Order>, Fault> {
        let stored = self.find(run.saga.body.id, None).await?;
        let end = |order: &mut Order, at: super::change::At| {
            if order.status != Status::Pending {
                return Ok(Step::Keep(()));
            }
            order.give_up(cause, at.now);
            Ok(Step::Save(()))
        };
        let (saved, ()) = self.step(run.names("saga.end"), self.change(stored, None, end)).await?;
        crash::point!("orders.saga.ended");
        Ok(saved)
    }

    /// The order may have been cancelled during the wait. A step that goes on failing makes no save that would tell,
    /// and whoever waits for the order would be shown it as it was.
    async fn look_again(&self, run: &mut Run) {
        if let Ok(found) = self.find(run.saga.body.id, None).await
            && found.body.status != Status::Pending
        {
            run.shows(found);
        }
    }

    /// Lost a compare-and-swap: reads again and does as it finds. False when another driver has the saga.
    async fn obey(&self, run: &mut Run) -> bool {
        match self.find(run.saga.body.id, None).await {
            Ok(found) => {
                let driver = found.body.driver.as_ref();
                let ours = driver.is_none_or(|d| d.owner.as_deref() == Some(self.owner.as_str()));
                run.shows(found);
                ours
            }
            Err(fault) => self.back_off(run, &fault).await,
        }
    }

    /// Waits before the next attempt, or ends the run: gives up after ten minutes, parks when the lease is over.
    async fn back_off(&self, run: &mut Run, fault: &Fault) -> bool {
        let id = run.saga.body.id;
        run.attempts = run.attempts.saturating_add(1);
        tracing::debug!(order = %id, attempt = run.attempts, %fault, "a step of the saga failed");
        if run.saga.body.should_give_up(self.now()) {
            self.parts.alerts.saga_gave_up(id, &fault.to_string());
            return match self.end(run, "gave_up").await {
                Ok(saga) => {
                    run.shows(saga);
                    true
                }
                Err(_) => false,
            };
        }
        let wait = self.jittered(backoff(run.attempts));
        if Instant::now() + wait >= run.lapses {
            self.park(run, wait).await;
            return false;
        }
        tokio::select! {
            () = tokio::time::sleep(wait) => true,
            () = self.parts.background.stopping() => false,
        }
    }

    /// Between half of the wait and all of it, so that orders that failed together do not come back together.
    fn jittered(&self, wait: Duration) -> Duration {
        let half = wait / 2;
        half + Duration::from_millis(self.parts.random.below(u64::try_from(half.as_millis()).unwrap_or(0)))
    }

    /// Leaves the saga to the sweep. If that cannot be stored, the lease ends by itself.
    async fn park(&self, run: &Run, wait: Duration) {
        let mut next = run.saga.body.clone();
        next.park(run.attempts, self.now() + wait);
        if let Err(fault) = self.step(run.names("saga.park"), self.save(&run.saga, next, None)).await {
            tracing::debug!(order = %run.saga.body.id, %fault, "could not park the saga");
        }
        crash::point!("orders.saga.parked");
    }
}

impl Run {
    /// A step of this name below the run's own span.
    fn names(&self, step: &'static str) -> (&'static str, TraceContext) {
        (step, self.span.context())
    }

    fn shows(&mut self, saga: Stored<Order>) {
        self.saga = Arc::new(saga);
        self.seat.show(Arc::clone(&self.saga));
    }
}
