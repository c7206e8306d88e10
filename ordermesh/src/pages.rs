//! The process's memory comes in small pages: what a burst of work took goes back to the system afterwards.

/// Keeps the kernel from backing memory with huge pages. Called first in `main`, before there are threads.
///
/// The allocator asks for them: then a few live objects hold two megabytes each, and a mesh that was killed under load
/// and restarted stands at 73 MB instead of 48. CPU per order was the same with both (docs/measurements.md).
#[cfg(target_os = "linux")]
pub fn keep_small() {
    // Refused only by kernels that know no huge pages, and by sandboxes: then the process is larger, not wrong.
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}

/// Other systems give huge pages only to those who ask another way.
#[cfg(not(target_os = "linux"))]
pub fn keep_small() {}
