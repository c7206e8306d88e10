//! The line before the writer: bounded for those who wait, in order for all, taken a group at a time.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use common::Fault;
use tokio::sync::Semaphore;

use super::{failure::stopped, job::Job};

/// Units of work that may wait for the writer; the next one waits for room.
pub const QUEUE_MAX: usize = 4096;
/// Units of work that share one sync at most.
pub const GROUP_MAX: usize = 1024;
/// How long work that nobody waits for may wait for company.
const LAZY_WAIT: Duration = Duration::from_millis(50);
/// How long the writer sleeps without work before it looks whether the database is well.
const IDLE: Duration = Duration::from_secs(1);

pub(super) struct Queue {
    line: Mutex<Line>,
    wake: Condvar,
    room: Semaphore,
}

#[derive(Default)]
struct Line {
    jobs: VecDeque<Box<dyn Job>>,
    awaited: usize,
    /// When the oldest work that nobody waits for must go.
    lazy_until: Option<Instant>,
    writer_sleeps: bool,
    closed: bool,
}

/// What the writer should do next.
pub(super) enum Turn {
    Group,
    Idle,
    /// Closed, and nothing is left.
    End,
}

impl Queue {
    pub(super) fn new() -> Self {
        Self { line: Mutex::default(), wake: Condvar::new(), room: Semaphore::new(QUEUE_MAX) }
    }

    /// Puts work in line that somebody waits for; waits while the line is full. `unavailable` once closed.
    pub(super) async fn push(&self, job: Box<dyn Job>) -> Result<(), Fault> {
        self.room.acquire().await.map_err(|_| stopped())?.forget();
        self.enqueue(job)
    }

    /// Puts work in line that nobody waits for. It is never refused for want of room: who uses it is bounded by
    /// what it settles (claimed events, deliveries in hand).
    pub(super) fn push_lazy(&self, job: Box<dyn Job>) -> Result<(), Fault> {
        self.enqueue(job)
    }

    fn enqueue(&self, job: Box<dyn Job>) -> Result<(), Fault> {
        let mut line = self.lock();
        if line.closed {
            return Err(stopped());
        }
        if job.is_awaited() {
            line.awaited += 1;
        } else {
            line.lazy_until.get_or_insert_with(|| Instant::now() + LAZY_WAIT);
        }
        line.jobs.push_back(job);
        if line.writer_sleeps && (line.awaited > 0 || line.jobs.len() == 1) {
            line.writer_sleeps = false;
            self.wake.notify_one();
        }
        Ok(())
    }

    /// Waits for a group and moves it to `group`, oldest first.
    pub(super) fn take(&self, group: &mut Vec<Box<dyn Job>>) -> Turn {
        let mut line = self.lock();
        let asleep_until = Instant::now() + IDLE;
        while !line.is_due() {
            if line.closed {
                return Turn::End;
            }
            let until = line.lazy_until.unwrap_or(asleep_until);
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Turn::Idle;
            }
            line.writer_sleeps = true;
            line = self.wake.wait_timeout(line, left).unwrap_or_else(PoisonError::into_inner).0;
            line.writer_sleeps = false;
        }
        let released = line.move_to(group);
        drop(line);
        self.room.add_permits(released);
        Turn::Group
    }

    /// Refuses new work; the writer still does what is in line.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.room.close();
        self.wake.notify_one();
    }

    /// Refuses new work and hands over what is in line.
    pub(super) fn abandon(&self) -> VecDeque<Box<dyn Job>> {
        self.close();
        std::mem::take(&mut self.lock().jobs)
    }

    fn lock(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    fn is_due(&self) -> bool {
        let lazy_due = || self.lazy_until.is_some_and(|until| until <= Instant::now());
        self.awaited > 0
            || self.jobs.len() >= GROUP_MAX
            || (!self.jobs.is_empty() && (self.closed || lazy_due()))
    }

    /// Moves at most a group and says how many of it are awaited.
    fn move_to(&mut self, group: &mut Vec<Box<dyn Job>>) -> usize {
        let size = self.jobs.len().min(GROUP_MAX);
        group.extend(self.jobs.drain(..size));
        let awaited = group.iter().filter(|job| job.is_awaited()).count();
        self.awaited -= awaited;
        let lazy_left = self.jobs.len() > self.awaited;
        self.lazy_until = lazy_left.then(Instant::now);
        awaited
    }
}
