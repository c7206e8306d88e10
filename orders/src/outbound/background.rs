//! Background work as tasks of the chassis.

use async_trait::async_trait;
use runtime::Tasks;

use crate::ports::{Background, Work};

/// Work becomes a named, supervised task.
#[derive(Clone, Debug)]
pub struct Supervised(pub Tasks);

#[async_trait]
impl Background for Supervised {
    fn spawn(&self, name: &'static str, work: Work) {
        self.0.spawn(name, work);
    }

    async fn stopping(&self) {
        self.0.shutdown().cancelled_owned().await;
    }
}
