//! The queue between those who log and the one thread that writes: bounded, written in batches, and what does not fit
//! is counted instead of waited for.

use std::{
    io::{self, BufWriter, Write},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread,
    time::Duration,
};

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// Lines that may wait.
const CAPACITY: usize = 4096;
/// How long the end of the program waits for the lines that are queued.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

enum Message {
    Line(Box<[u8]>),
    /// Answered once all before it is written.
    Flush(SyncSender<()>),
}

/// The way in. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Queue {
    sender: SyncSender<Message>,
    lost: Arc<AtomicU64>,
}

impl Queue {
    /// Starts the writing thread; it lives as long as the queue.
    pub(super) fn start(output: impl Write + Send + 'static) -> io::Result<Self> {
        let (sender, receiver) = sync_channel(CAPACITY);
        let lost = Arc::new(AtomicU64::new(0));
        let queue = Self { sender, lost: lost.clone() };
        thread::Builder::new()
            .name("logs".to_owned())
            .spawn(move || write_all(&receiver, &lost, BufWriter::new(output)))?;
        Ok(queue)
    }

    /// Waits until what is queued is written, with a bound.
    pub(super) fn flush(&self) {
        let (done, written) = sync_channel(1);
        if self.sender.send(Message::Flush(done)).is_ok() {
            // When stderr is stuck the program ends without its last lines rather than not at all.
            let _ = written.recv_timeout(FLUSH_TIMEOUT);
        }
    }
}

/// Writes until the queue is gone. Where the output itself fails there is nobody left to tell.
fn write_all(receiver: &Receiver<Message>, lost: &AtomicU64, mut output: impl Write) {
    while let Ok(first) = receiver.recv() {
        let mut next = Some(first);
        while let Some(message) = next {
            match message {
                Message::Line(line) => drop(output.write_all(&line)),
                Message::Flush(done) => {
                    let _ = output.flush();
                    let _ = done.send(());
                }
            }
            next = receiver.try_recv().ok();
        }
        let count = lost.swap(0, Ordering::Relaxed);
        if count > 0 {
            let _ = writeln!(
                output,
                r#"{{"level":"WARN","target":"logs","message":"lines were lost","count":{count}}}"#
            );
        }
        let _ = output.flush();
    }
}

impl<'a> MakeWriter<'a> for Queue {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line { queue: self, patient: true }
    }

    fn make_writer_for(&'a self, metadata: &Metadata<'_>) -> Line<'a> {
        Line { queue: self, patient: *metadata.level() <= Level::WARN }
    }
}

/// Takes one line.
#[derive(Debug)]
pub(super) struct Line<'a> {
    queue: &'a Queue,
    /// Warnings and errors wait for their place.
    patient: bool,
}

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.queue.sender.try_send(Message::Line(bytes.into())) {
            Ok(()) => {}
            Err(TrySendError::Full(line)) if self.patient => drop(self.queue.sender.send(line)),
            Err(_) => drop(self.queue.lost.fetch_add(1, Ordering::Relaxed)),
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, mpsc};

    use super::*;

    /// Says when its first write begins, and waits for the gate before it ends.
    struct Gated {
        begun: mpsc::Sender<()>,
        gate: Receiver<()>,
        written: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Gated {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.begun.send(());
            let _ = self.gate.recv();
            self.written.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn when_the_output_is_stuck_lines_are_counted_and_nobody_waits() {
        let (begun, has_begun) = mpsc::channel();
        let (open, gate) = mpsc::channel();
        let written = Arc::new(Mutex::new(Vec::new()));
        let queue = Queue::start(Gated { begun, gate, written: written.clone() }).unwrap();
        let log = |patient, text: &str| Line { queue: &queue, patient }.write_all(text.as_bytes()).unwrap();
        log(true, "first\n");
        has_begun.recv().unwrap();
        for _ in 0..CAPACITY + 3 {
            log(false, "info\n");
        }
        drop(open);
        log(true, "error\n");
        queue.flush();
        queue.flush();
        let written = String::from_utf8(written.lock().unwrap().clone()).unwrap();
        assert_eq!(written.lines().filter(|line| *line == "info").count(), CAPACITY);
        assert!(written.contains("error") && written.contains(r#""count":3"#), "{written}");
    }
}
