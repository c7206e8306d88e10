//! What a receiver's refusal means for the notice: about this one, or about all of them.
//!
//! One refusal cannot tell. A wrong key, a wrong path and a broken receiver answer each notice with the same 4xx or 5xx
//! that a notice earns which cannot be taken. So it is taken for an outage, which pauses the queue and loses nothing,
//! until another notice gets through; the pause is probed with other notices first, so that this needs no luck. A
//! receiver that is dead or set up wrongly thus never makes dead letters, and a notice that cannot be delivered holds
//! up its neighbours for one probe.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use common::{Code, Fault, Kind, Timestamp};
use tokio::time::Instant;

use crate::ports::Notice;

/// For how long one delivery proves that the receiver is well. The last step of the bus's retries waits longer, so
/// that a notice becomes a dead letter only if others got through right before its last try.
const PROOF: Duration = Duration::from_secs(10);
/// How long after its event a notice may fail alone without being counted.
const PATIENCE: Duration = Duration::from_secs(15 * 60);

/// How a receiver refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It is away, overloaded, or refuses us whatever we bring.
    Us,
    /// It has read this notice and says that it will never take it.
    ThisOne,
    /// It failed while it took this notice.
    Failure,
}

/// What is known of one receiver.
#[derive(Debug, Default)]
pub(super) struct Receiver {
    delivered_at: Mutex<Option<Instant>>,
}

impl Receiver {
    /// A notice got through.
    pub(super) fn took_one(&self) {
        *self.delivered_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// The fault of a refused notice, as the port words it.
    pub(super) fn fault(
        &self,
        refusal: Refusal,
        notice: &Notice,
        now: Timestamp,
        detail: impl Into<String>,
    ) -> Fault {
        let away = Fault::unavailable(detail);
        if refusal == Refusal::Us || !self.takes_others() {
            return away;
        }
        if refusal == Refusal::ThisOne {
            return Fault::new(Code::InvalidRequest, "the receiver refuses this notice")
                .with_detail(away.detail().unwrap_or_default());
        }
        if now.since(notice.at) < PATIENCE {
            return away.with_kind(Kind::Aborted);
        }
        away.with_kind(Kind::Internal)
    }

    fn takes_others(&self) -> bool {
        let delivered_at = *self.delivered_at.lock().unwrap_or_else(PoisonError::into_inner);
        delivered_at.is_some_and(|at| at.elapsed() < PROOF)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::News;

    #[tokio::test(start_paused = true)]
    async fn a_refusal_is_about_the_notice_only_while_others_get_through() {
        let (receiver, at) = (Receiver::default(), Timestamp::from_secs(1_000_000));
        let news = News::LowStock { item_id: "1".parse().unwrap(), name: "Cheese".into(), available: 1 };
        let id = "evt_0190a0a0a0a07000a0a0a0a0a0a0a0a0".parse().unwrap();
        let notice = Notice { id, event_type: "stock.low".into(), at, news };
        let kind = |refusal, now| receiver.fault(refusal, &notice, now, "no").kind();
        let late = at + PATIENCE;
        for refusal in [Refusal::Us, Refusal::ThisOne, Refusal::Failure] {
            assert_eq!(kind(refusal, late), Kind::Unavailable, "{refusal:?}");
        }
        receiver.took_one();
        assert_eq!(kind(Refusal::Us, late), Kind::Unavailable);
        assert_eq!(kind(Refusal::ThisOne, at), Kind::Invalid);
        assert_eq!(kind(Refusal::Failure, at), Kind::Aborted);
        assert_eq!(kind(Refusal::Failure, late), Kind::Internal);
        tokio::time::advance(PROOF).await;
        assert_eq!(kind(Refusal::ThisOne, at), Kind::Unavailable);
    }
}
