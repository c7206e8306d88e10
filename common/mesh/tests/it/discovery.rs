//! Discovery: what is announced is connected to and called, what is withdrawn is not.

use std::{
    collections::{HashMap, VecDeque},
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use mesh::{FixedResolver, Resolver as _, discovery::names::Lookup};
use tokio::time::timeout;

use crate::peer::{Net, PATIENCE, Peer, SERVICE};

#[tokio::test]
async fn a_change_reaches_the_balancer_without_a_call() {
    let net = Net::new(true);
    let (one, two) = (Peer::good().await, Peer::good().await);
    let registration = net.announce(one.address).await;
    net.connected(1).await;
    net.announce(two.address).await;
    net.connected(2).await;
    registration.withdraw().await;
    net.connected(1).await;
    for _ in 0..20 {
        net.check().await.unwrap();
    }
    assert_eq!((one.calls(), two.calls()), (0, 20));
}

#[tokio::test]
async fn a_withdrawn_endpoint_finishes_what_it_began() {
    let net = Net::new(true);
    let (release, released) = tokio::sync::watch::channel(false);
    let peer = Peer::start(move |_| {
        let mut released = released.clone();
        async move {
            released.wait_for(|released| *released).await.unwrap();
            Ok(())
        }
    })
    .await;
    let registration = net.announce(peer.address).await;
    let mut client = net.client();
    let call =
        tokio::spawn(async move { client.check(tonic_health::pb::HealthCheckRequest::default()).await });
    crate::peer::eventually(|| peer.calls() == 1).await;
    registration.withdraw().await;
    crate::peer::eventually(|| net.mesh.report().services[0].endpoints.is_empty()).await;
    release.send(true).unwrap();
    call.await.unwrap().unwrap();
}

#[tokio::test]
async fn an_endpoint_that_is_down_gets_no_call_while_another_is_up() {
    let net = Net::new(false);
    let (gone, up) = (Peer::good().await, Peer::good().await);
    net.announce(gone.address).await;
    net.announce(up.address).await;
    net.connected(2).await;
    gone.stop().await;
    net.connected(1).await;
    for _ in 0..50 {
        net.check().await.unwrap();
    }
    assert_eq!(up.calls(), 50);
}

type Answers = VecDeque<io::Result<Vec<SocketAddr>>>;

#[derive(Debug)]
struct Scripted(Mutex<Answers>);

#[async_trait::async_trait]
impl Lookup for Scripted {
    async fn lookup(&self, _: &str, _: u16) -> io::Result<Vec<SocketAddr>> {
        let next = self.0.lock().unwrap().pop_front();
        match next {
            Some(answer) => answer,
            None => std::future::pending().await,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_is_looked_up_again_and_an_empty_or_failing_answer_changes_nothing() {
    let [a, b, c] = [1, 2, 3].map(|last| SocketAddr::from(([10, 0, 0, last], 2002)));
    let lost = || Err(io::Error::from(io::ErrorKind::NotFound));
    let script = VecDeque::from([Ok(vec![b, a]), Ok(vec![]), lost(), Ok(vec![a, b]), Ok(vec![c])]);
    let peers = ["stock.svc:2002", "10.0.0.9:2002"].map(|text| text.parse().unwrap());
    let resolver = FixedResolver::with_lookup(
        HashMap::from([(SERVICE, peers.to_vec())]),
        Arc::new(Scripted(Mutex::new(script))),
    );
    let fixed = SocketAddr::from(([10, 0, 0, 9], 2002));
    let mut found = resolver.watch(SERVICE);
    let addresses = |set: &mesh::EndpointSet| set.iter().map(|e| e.address).collect::<Vec<_>>();
    assert_eq!(addresses(&found.borrow_and_update()), [fixed], "what needs no lookup is there at once");
    timeout(PATIENCE, found.changed()).await.unwrap().unwrap();
    assert_eq!(addresses(&found.borrow_and_update()), [a, b, fixed]);
    timeout(Duration::from_secs(60), found.changed()).await.unwrap().unwrap();
    assert_eq!(addresses(&found.borrow_and_update()), [c, fixed], "the next change is the next good answer");
}

#[test]
fn a_peer_is_an_address_or_a_name_with_a_port() {
    for good in ["127.0.0.1:2000", "[::1]:2000", "stock:2002", "stock.mesh.svc.cluster.local:1", " a:1 "] {
        good.parse::<mesh::Peer>().expect(good);
    }
    for bad in
        ["", "stock", "stock:", "stock:0", "127.0.0.1:0", ":2000", "stock:70000", "http://stock:1", "a b:1"]
    {
        assert!(bad.parse::<mesh::Peer>().is_err(), "{bad}");
    }
}
