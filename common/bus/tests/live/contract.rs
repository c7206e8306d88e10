//! The cases that every adapter of the bus passes.

use std::sync::Arc;

use async_trait::async_trait;
use bus::Bus;
use testkit::bus::Harness;

use crate::mesh::Mesh;

#[async_trait]
impl Harness for Mesh {
    async fn open(&self) -> Arc<dyn Bus> {
        Arc::new(self.process())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rabbitmq_keeps_the_contract() {
    testkit::bus::contract("rabbitmq", || async {
        let harness: Arc<dyn Harness> = Arc::new(Mesh::shared().await);
        harness
    })
    .await;
}
