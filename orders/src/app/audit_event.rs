//! Keep every event of the mesh for good.

use common::{Fault, crash};

use super::App;
use crate::ports::AuditRecord;

impl App {
    /// Keeps the record once, however often the event is delivered. Faults: `unavailable`.
    pub async fn audit_event(&self, record: AuditRecord) -> Result<(), Fault> {
        self.parts.audit.append(record).await?;
        crash::point!("orders.audit.kept");
        Ok(())
    }
}
