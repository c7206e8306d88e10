//! A webhook endpoint of a few lines: reads a request, answers with a status.

use std::{net::SocketAddr, sync::Arc};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
};

use super::{Desk, Mood};

pub(crate) async fn start(desk: Arc<Desk>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, Arc::clone(&desk)));
        }
    });
    address
}

async fn serve(stream: TcpStream, desk: Arc<Desk>) -> Option<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let request = read(&mut stream).await?;
        desk.came.notify_one();
        let status = match desk.mood() {
            Mood::Takes => "204 No Content",
            Mood::Refuses => "422 Unprocessable Content",
            Mood::Fails => "500 Internal Server Error",
            // A redirect to where it would be taken: it must not be followed.
            Mood::Away => "307 Temporary Redirect\r\nlocation: /elsewhere",
            Mood::Silent => std::future::pending().await,
        };
        if status.starts_with('2') {
            desk.take(request);
        }
        stream.write_all(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n").as_bytes()).await.ok()?;
    }
}

async fn read(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let start = head.len();
        if stream.read_line(&mut head).await.ok()? == 0 {
            return None;
        }
        match head[start..].trim_end() {
            "" => break,
            line => {
                if let Some(value) = line.strip_prefix("content-length: ") {
                    length = value.parse().unwrap();
                }
            }
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(head + &String::from_utf8(body).unwrap())
}
