//! Bytes over a socket, for what no HTTP client would send.

use std::{
    io::{self, Read as _},
    net::{Shutdown, TcpStream},
    thread,
    time::Duration,
};

/// Longer than any limit of the server.
const PATIENCE: Duration = Duration::from_secs(30);

/// Writes while it reads one answer: what the server said until that was complete or the connection closed. A server
/// that has heard enough may close while we still write.
pub(crate) fn talk(base: &str, write: impl FnOnce(&mut TcpStream) -> io::Result<()> + Send) -> String {
    let address = base.trim_start_matches("http://");
    let mut reading = TcpStream::connect(address).expect("the server listens");
    reading.set_read_timeout(Some(PATIENCE)).expect("a socket");
    let mut writing = reading.try_clone().expect("a socket");
    thread::scope(|scope| {
        scope.spawn(move || write(&mut writing));
        let answer = read_answer(&mut reading);
        // Ends the writer too.
        let _ = reading.shutdown(Shutdown::Both);
        answer
    })
}

fn read_answer(stream: &mut TcpStream) -> String {
    let (mut answer, mut buffer) = (Vec::new(), [0; 4096]);
    while !is_complete(&answer) {
        match stream.read(&mut buffer) {
            Ok(read @ 1..) => answer.extend_from_slice(&buffer[..read]),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                panic!("in {PATIENCE:?} the server neither answered nor closed")
            }
            _ => break,
        }
    }
    String::from_utf8_lossy(&answer).into_owned()
}

/// Whether the head and as much of a body as it announces are there.
fn is_complete(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let announced = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    announced.is_some_and(|length| length.parse().is_ok_and(|length: usize| body.len() >= length))
}
