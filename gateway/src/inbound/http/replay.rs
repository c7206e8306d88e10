//! Idempotency keys of staff routes: the key, within its path, names the thing that it creates.

use common::{IdempotencyKey, Ids, id::Id};
use http::{HeaderMap, HeaderName, HeaderValue};
use sha2::{Digest as _, Sha256};

use super::params::Key;

pub(crate) const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// The id of what this request creates: a new one, or with an `Idempotency-Key` the same one at each repeat.
pub(crate) fn id_for<T: Id>(ids: &Ids, key: &Key, scope: &str) -> T {
    key.0.as_ref().map_or_else(|| ids.mint(), |key| derived(scope, key))
}

/// A UUID of version 8 (RFC 9562) made of what is hashed. The separator cannot occur in a scope or a key.
fn derived<T: Id>(scope: &str, key: &IdempotencyKey) -> T {
    let digest = Sha256::new().chain_update(scope).chain_update([0]).chain_update(key.as_str()).finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    T::from_uuid(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}

/// The header that marks a replay, if it is one.
pub(crate) fn mark(replayed: bool) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if replayed {
        headers.insert(REPLAYED, HeaderValue::from_static("true"));
    }
    headers
}
