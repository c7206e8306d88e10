//! The descriptor set at run time: reflection serves it, the retry policy reads the idempotency levels from it.

use prost::Message as _;
use prost_types::{FileDescriptorSet, MethodDescriptorProto, method_options::IdempotencyLevel};

/// The encoded `google.protobuf.FileDescriptorSet` of all protos.
pub const ENCODED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// The decoded set.
#[must_use]
pub fn file_descriptor_set() -> FileDescriptorSet {
    FileDescriptorSet::decode(ENCODED).expect("written by our build script")
}

/// What the descriptors say of one method; the mesh goes by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MethodInfo {
    /// `/package.Service/Method`.
    pub path: String,
    /// Repeating it is safe: `NO_SIDE_EFFECTS` or `IDEMPOTENT`.
    pub repeatable: bool,
    pub client_streaming: bool,
    pub server_streaming: bool,
}

/// Every method of every service.
#[must_use]
pub fn methods() -> Vec<MethodInfo> {
    let mut methods = Vec::new();
    for file in file_descriptor_set().file {
        for service in &file.service {
            let prefix = format!("/{}.{}", file.package(), service.name());
            methods.extend(service.method.iter().map(|method| info(&prefix, method)));
        }
    }
    methods
}

fn info(prefix: &str, method: &MethodDescriptorProto) -> MethodInfo {
    let level = method.options.as_ref().map(|options| options.idempotency_level());
    MethodInfo {
        path: format!("{prefix}/{}", method.name()),
        repeatable: level.is_some_and(|level| level != IdempotencyLevel::IdempotencyUnknown),
        client_streaming: method.client_streaming(),
        server_streaming: method.server_streaming(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_says_whether_it_may_be_repeated_and_only_watches_stream() {
        let methods = methods();
        assert_eq!(methods.len(), 34);
        let silent: Vec<_> = methods.iter().filter(|m| !m.repeatable).collect();
        assert!(silent.is_empty(), "{silent:?}");
        let streaming: Vec<_> = methods.iter().filter(|m| m.server_streaming).map(|m| &*m.path).collect();
        assert!(streaming.iter().all(|path| path.contains("/Watch")), "{streaming:?}");
        assert_eq!(streaming.len(), 2);
        assert!(methods.iter().all(|m| !m.client_streaming));
    }
}
