//! The verbs of staff: start, finish, pick up, reject.

use common::{Fault, OrderId, crash};

use super::{Kitchen, TRIES, not_found};
use crate::{domain::Verb, ports::Versioned};

impl Kitchen {
    /// Does what staff ask with the ticket; done before, it answers with the ticket as it is. Faults:
    /// `ticket_not_found`, `invalid_transition`.
    pub async fn advance(
        &self,
        order: OrderId,
        verb: Verb,
        reason: Option<String>,
    ) -> Result<Versioned, Fault> {
        let mut lost = None;
        for _ in 0..TRIES {
            let Versioned { mut ticket, version } = self.tickets.load(order).await?.ok_or_else(not_found)?;
            let from = ticket.state;
            if !ticket.apply(verb, reason.clone(), self.clock.now())? {
                return Ok(Versioned { ticket, version });
            }
            match self.tickets.update(&ticket, version, None).await {
                Ok(version) => {
                    crash::point!("kitchen.ticket.advanced");
                    self.queue.moved(Some(from), ticket.state);
                    return Ok(Versioned { ticket, version });
                }
                Err(fault) if fault.is_version_conflict() => lost = Some(fault),
                Err(fault) => return Err(fault),
            }
        }
        Err(lost.expect("every turn of the loop that ends here lost"))
    }
}
