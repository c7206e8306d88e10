//! A mail server of a few lines: as much of SMTP as one mail needs.

use std::{net::SocketAddr, sync::Arc};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
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
    say(&mut stream, "220 test").await?;
    loop {
        let line = line(&mut stream).await?;
        let reply = match line.split_whitespace().next().unwrap_or("") {
            "RCPT" => recipient(&desk).await,
            "DATA" => {
                say(&mut stream, "354 go on").await?;
                desk.take(mail(&mut stream).await?);
                "250 taken"
            }
            "QUIT" => "221 bye",
            _ => "250 test",
        };
        say(&mut stream, reply).await?;
    }
}

async fn recipient(desk: &Desk) -> &'static str {
    desk.came.notify_one();
    match desk.mood() {
        Mood::Takes => "250 fine",
        Mood::Refuses => "550 no such mailbox",
        Mood::Fails => "451 local trouble",
        Mood::Away => "421 going down",
        Mood::Silent => std::future::pending().await,
    }
}

async fn mail(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut mail = String::new();
    loop {
        let line = line(stream).await?;
        if line == "." {
            return Some(mail);
        }
        mail += &line;
        mail += "\n";
    }
}

async fn line(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    let read = stream.read_line(&mut line).await.ok()?;
    (read > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned())
}

async fn say(stream: &mut BufReader<TcpStream>, reply: &str) -> Option<()> {
    stream.write_all(format!("{reply}\r\n").as_bytes()).await.ok()
}
