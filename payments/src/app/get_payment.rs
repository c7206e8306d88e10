//! Shows a payment.

use common::{Fault, OrderId};

use super::Cashier;
use crate::{domain::Payment, ports::Kept};

impl Cashier {
    /// The payment of an order. Faults: `payment_not_found`, `unavailable`.
    pub async fn get_payment(&self, order: OrderId) -> Result<Kept<Payment>, Fault> {
        self.load(order).await
    }
}
