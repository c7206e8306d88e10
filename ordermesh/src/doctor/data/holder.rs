//! Who holds the lock on a file, as the kernel lists it: taking the lock to find out could keep a mesh from starting.

use std::{fs, os::unix::fs::MetadataExt as _, path::Path};

/// The process, such as `process 4711 (ordermesh)`; `None` when there is none, or where the kernel does not tell.
pub(super) fn holder(lock: &Path) -> Option<String> {
    let inode = fs::metadata(lock).ok()?.ino();
    let locks = fs::read_to_string("/proc/locks").ok()?;
    let pid = locks.lines().find_map(|line| pid_of(line, inode))?;
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    Some(format!("process {pid} ({})", name.trim()))
}

/// `1: FLOCK  ADVISORY  WRITE 4711 08:01:1234567 0 EOF`: the process, if the file has this inode.
fn pid_of(line: &str, inode: u64) -> Option<u32> {
    let mut words = line.split_whitespace().skip_while(|word| !word.bytes().all(|b| b.is_ascii_digit()));
    let pid = words.next()?.parse().ok()?;
    let found: u64 = words.next()?.rsplit(':').next()?.parse().ok()?;
    (found == inode).then_some(pid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_is_read_from_the_kernels_line() {
        let line = "1: FLOCK  ADVISORY  WRITE 4711 08:01:1234567 0 EOF";
        assert_eq!(pid_of(line, 1_234_567), Some(4711));
        assert_eq!(pid_of(line, 1), None);
        assert_eq!(pid_of("2: -> POSIX  ADVISORY  WRITE 5 00:1a:9 0 EOF", 9), Some(5));
    }
}
