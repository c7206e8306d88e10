//! Declared crash points: places where the process may be told to die as with `kill -9`, so that a test can show
//! that nothing is lost there. Free when not armed: one relaxed load of a static that is empty.

use std::sync::OnceLock;

/// One declared point: the name in `CRASH_AT`, made of the crate, the flow and the step just done.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Armed {
    name: String,
    /// How many passes are let through before the one that dies.
    skip: u32,
}

static ARMED: OnceLock<(Armed, std::sync::atomic::AtomicU32)> = OnceLock::new();

/// Arms the point named in `CRASH_AT` (`name` or `name:skip`). Called once, by `main`.
pub fn arm(spec: &str) {
    let (name, skip) = spec.split_once(':').map_or((spec, 0), |(n, s)| (n, s.parse().unwrap_or(0)));
    let armed = Armed { name: name.to_owned(), skip };
    let _ = ARMED.set((armed, std::sync::atomic::AtomicU32::new(0)));
}

/// Declares a crash point: `crash::point!("orders.saga.reserved")`.
pub use crate::crash_point as point;

/// Dies here if this point is the armed one. Use through [`point!`].
pub fn pass(name: &'static str) {
    if let Some((armed, passed)) = ARMED.get()
        && armed.name == name
        && passed.fetch_add(1, std::sync::atomic::Ordering::Relaxed) >= armed.skip
    {
        // No destructor, no flush, no exit handler: as near to SIGKILL as safe code comes.
        std::process::abort();
    }
}

/// Declares a crash point; the name is a literal, so that a test finds them all in the sources.
#[doc(hidden)]
#[macro_export]
macro_rules! crash_point {
    ($name:literal) => {
        $crate::crash::pass($name)
    };
}
