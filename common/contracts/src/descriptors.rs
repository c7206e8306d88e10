//! The descriptor set at run time: reflection serves it, the retry policy reads the idempotency levels from it.

use std::collections::HashMap;

use prost::Message as _;
use prost_types::{FileDescriptorSet, method_options::IdempotencyLevel};

/// The encoded `google.protobuf.FileDescriptorSet` of all protos.
pub const ENCODED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// The decoded set.
#[must_use]
pub fn file_descriptor_set() -> FileDescriptorSet {
    FileDescriptorSet::decode(ENCODED).expect("written by our build script")
}

/// Every method's path (`/package.Service/Method`) and whether repeating it is safe: true for `NO_SIDE_EFFECTS` and
/// `IDEMPOTENT`.
#[must_use]
pub fn repeatable_methods() -> HashMap<String, bool> {
    let mut methods = HashMap::new();
    for file in file_descriptor_set().file {
        for service in &file.service {
            for method in &service.method {
                let path = format!("/{}.{}/{}", file.package(), service.name(), method.name());
                let level = method
                    .options
                    .as_ref()
                    .map_or(IdempotencyLevel::IdempotencyUnknown, |o| o.idempotency_level());
                methods.insert(path, level != IdempotencyLevel::IdempotencyUnknown);
            }
        }
    }
    methods
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_says_whether_it_may_be_repeated() {
        let methods = repeatable_methods();
        assert_eq!(methods.len(), 30);
        let silent: Vec<_> = methods.iter().filter(|(_, repeatable)| !**repeatable).collect();
        assert!(silent.is_empty(), "{silent:?}");
    }
}
