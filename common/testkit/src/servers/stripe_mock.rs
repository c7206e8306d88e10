//! Stripe's published mock: checks requests against Stripe's OpenAPI and answers with fixtures. It keeps no state.

use super::{
    Failure, Launch, Server,
    folder::Folder,
    free_ports, program, ready,
    server::{self, is_a_server},
};

pub struct StripeMock {
    server: Server,
    url: String,
}

is_a_server!(StripeMock);

impl StripeMock {
    pub async fn start() -> Result<Self, Failure> {
        server::start(Self::prepare).await
    }

    /// What a client takes as Stripe's address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    fn prepare() -> Result<Self, Failure> {
        let folder = Folder::new()?;
        let [http, https] = free_ports();
        // Without both addresses it opens the other one on every interface.
        let launch = Launch::new(program::find("stripe-mock", &[])?, folder.join("stripe-mock.log"))
            .arg("-http-addr")
            .arg(format!("127.0.0.1:{http}"))
            .arg("-https-addr")
            .arg(format!("127.0.0.1:{https}"));
        let url = format!("http://127.0.0.1:{http}");
        let balance = format!("{url}/v1/balance");
        let client = reqwest::Client::new();
        let check = move || {
            let request = client.get(&balance).bearer_auth("sk_test_ready");
            let ready: futures::future::BoxFuture<'_, bool> =
                Box::pin(async { ready::get(request).await.is_some() });
            ready
        };
        Ok(Self { server: Server::new(launch, folder, Box::new(check)), url })
    }
}
