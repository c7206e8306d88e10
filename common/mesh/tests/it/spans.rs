//! Spans of calls: one per attempt, below the caller's, and the parent of what the peer does.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use common::{
    Spans, SystemRandom, TraceContext,
    span::{Opening, Recorder, Recording, Value},
};
use tonic::Status;
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

use crate::peer::{Net, Peer, SERVICE, trace, within};

/// A span that ended.
#[derive(Clone, Debug)]
struct Ended {
    context: TraceContext,
    parent: Option<TraceContext>,
    attributes: BTreeMap<&'static str, String>,
    failed: bool,
}

#[derive(Clone, Debug, Default)]
struct Recorded(Arc<Mutex<Vec<Ended>>>);

#[derive(Debug)]
struct UnderWay(Ended, Recorded);

impl Recorder for Recorded {
    fn begin(
        &self,
        context: TraceContext,
        opening: &Opening<'_>,
    ) -> (TraceContext, Option<Box<dyn Recording>>) {
        let span = Ended { context, parent: opening.parent, attributes: BTreeMap::new(), failed: false };
        (context, Some(Box::new(UnderWay(span, self.clone()))))
    }
}

impl Recording for UnderWay {
    fn set(&mut self, key: &'static str, value: Value<'_>) {
        let text = match value {
            Value::Text(text) => text.to_owned(),
            Value::Number(number) => number.to_string(),
        };
        self.0.attributes.insert(key, text);
    }

    fn fail(&mut self, _: &str) {
        self.0.failed = true;
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.1.0.lock().unwrap().push(self.0.clone());
    }
}

#[tokio::test]
async fn every_attempt_is_a_span_below_the_callers_and_above_what_the_peer_does() {
    let net = Net::new(true);
    let failed = AtomicBool::new(false);
    let peer = Peer::start(move |_| {
        let first = !failed.swap(true, Ordering::Relaxed);
        std::future::ready(if first { Err(Status::unavailable("stopping")) } else { Ok(()) })
    })
    .await;
    net.announce(peer.address).await;
    let recorded = Recorded::default();
    let mesh = net.mesh.traced(Spans::to(Arc::new(recorded.clone()), Arc::new(SystemRandom)));
    let mut client = HealthClient::new(mesh.channel(SERVICE));
    within(Duration::from_secs(5), client.check(HealthCheckRequest::default())).await.unwrap();
    let spans = recorded.0.lock().unwrap().clone();
    assert_eq!(spans.iter().map(|span| span.parent).collect::<Vec<_>>(), [Some(trace()); 2]);
    let shown = |key| spans.iter().map(|span| span.attributes[key].as_str()).collect::<Vec<_>>();
    assert_eq!(shown("ordermesh.attempt"), ["1", "2"]);
    assert_eq!(shown("rpc.grpc.status_code"), ["14", "0"]);
    assert_eq!(shown("rpc.method"), ["Check"; 2]);
    assert_eq!(spans.iter().map(|span| span.failed).collect::<Vec<_>>(), [true, false]);
    let sent: Vec<_> = peer.seen().iter().map(|seen| seen.header("traceparent").unwrap()).collect();
    assert_eq!(sent, spans.iter().map(|span| span.context.to_string()).collect::<Vec<_>>());
}
