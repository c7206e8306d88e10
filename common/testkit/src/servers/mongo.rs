//! A server that speaks MongoDB's protocol: secantus-mdb, which needs no container engine.
//!
//! `--sync-on-commit` is what makes an acknowledged write survive `kill -9`: without it the journal is not waited for.

use std::net::Ipv4Addr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{
    Failure, Launch, Server,
    folder::Folder,
    free_ports, program,
    server::{self, is_a_server},
};

/// `{hello: 1, $db: "admin"}` as an OP_MSG.
const HELLO: &[u8] = b"\x34\0\0\0\x01\0\0\0\0\0\0\0\xdd\x07\0\0\0\0\0\0\0\
\x1f\0\0\0\x10hello\0\x01\0\0\0\x02$db\0\x06\0\0\0admin\0\0";

pub struct Mongo {
    server: Server,
    port: u16,
}

is_a_server!(Mongo);

impl Mongo {
    /// A replica set of one: that is what it says it is.
    pub async fn start() -> Result<Self, Failure> {
        server::start(|| Self::prepare("")).await
    }

    pub async fn start_standalone() -> Result<Self, Failure> {
        server::start(|| Self::prepare("--standalone")).await
    }

    /// What a driver connects to.
    #[must_use]
    pub fn uri(&self) -> String {
        format!("mongodb://127.0.0.1:{}", self.port)
    }

    fn prepare(kind: &str) -> Result<Self, Failure> {
        let folder = Folder::new()?;
        let [port] = free_ports();
        let launch = Launch::new(program::find("secantusd-rs", &[])?, folder.join("mongo.log"))
            .arg("--host")
            .arg("127.0.0.1")
            .arg("--port")
            .arg(port.to_string())
            .arg("--storage-path")
            .arg(folder.make("data")?)
            .arg("--sync-on-commit")
            .args("--log-level ERROR --log-file-max 16MB --cache-size 256M")
            .args(kind);
        Ok(Self { server: Server::new(launch, folder, Box::new(move || Box::pin(answers(port)))), port })
    }
}

/// It answers a `hello`.
async fn answers(port: u16) -> bool {
    let ask = async {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
        stream.write_all(HELLO).await?;
        stream.read_exact(&mut [0; 16]).await
    };
    ask.await.is_ok()
}
