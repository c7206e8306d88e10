//! Leases by name, one document each: `{ _id: name, owner, until }`, taken by compare-and-set.

use common::{Fault, Timestamp};
use mongodb::{Collection, bson::doc};

use super::{
    failure::bounded,
    fields::{ID, Raw},
    outbox::date,
};

/// Among the service's collections; no schema declares a name that starts like this.
pub(super) const LEASES: &str = "_leases";

/// Takes or renews until then; false while another owner's lease runs.
pub(super) async fn take(
    leases: &Collection<Raw>,
    name: &str,
    owner: &str,
    now: Timestamp,
    until: Timestamp,
) -> Result<bool, Fault> {
    let free = doc! { ID: name, "$or": [{ "owner": owner }, { "until": { "$lte": date(now) } }] };
    let taken = doc! { "$set": { "owner": owner, "until": date(until) } };
    match bounded("take a lease", leases.update_one(free, taken).upsert(true)).await {
        Ok(_) => Ok(true),
        // There is one that is not free, so that the server tried to insert another.
        Err(fault) if fault.is_version_conflict() => Ok(false),
        Err(fault) => Err(fault),
    }
}
