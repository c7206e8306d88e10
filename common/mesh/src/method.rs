//! What the mesh must know of a method before it calls it: whether it may be repeated and what shape its call has.

use std::collections::HashMap;

/// One method, as its proto describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Method {
    /// Repeating the call is safe (`NO_SIDE_EFFECTS` or `IDEMPOTENT`).
    pub repeatable: bool,
    pub shape: Shape,
}

/// How many messages go each way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One message each way: the deadline covers the whole answer.
    Unary,
    /// One message there, a stream back: the deadline covers the time to the response head, nothing after it.
    ServerStream,
    /// A stream there. No contract of ours has one, and the mesh does not carry it: `UNIMPLEMENTED`.
    ClientStream,
}

impl Shape {
    /// The shape of a method from the two flags of its descriptor.
    #[must_use]
    pub fn of(client_streaming: bool, server_streaming: bool) -> Self {
        match (client_streaming, server_streaming) {
            (true, _) => Self::ClientStream,
            (false, true) => Self::ServerStream,
            (false, false) => Self::Unary,
        }
    }
}

/// Every known method by its path, `/package.Service/Method`.
#[derive(Clone, Debug, Default)]
pub struct MethodTable(HashMap<Box<str>, Method>);

impl MethodTable {
    /// The method with this path. What is not in the table has one answer and is never repeated.
    #[must_use]
    pub fn get(&self, path: &str) -> Method {
        const STRANGER: Method = Method { repeatable: false, shape: Shape::Unary };
        self.0.get(path).copied().unwrap_or(STRANGER)
    }
}

impl<P: Into<Box<str>>> FromIterator<(P, Method)> for MethodTable {
    fn from_iter<I: IntoIterator<Item = (P, Method)>>(methods: I) -> Self {
        Self(methods.into_iter().map(|(path, method)| (path.into(), method)).collect())
    }
}
