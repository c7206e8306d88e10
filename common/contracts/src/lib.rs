//! Everything that crosses a wire: the protos and their generated code, faults as statuses, events and topics.

pub mod convert;
pub mod descriptors;
pub mod events;
pub mod status;
pub mod topics;

#[allow(
    clippy::all,
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::needless_pass_by_value,
    clippy::large_futures,
    clippy::semicolon_if_nothing_returned,
    clippy::uninlined_format_args
)]
mod generated {
    pub mod ordermesh {
        pub mod common {
            pub mod v1 {
                tonic::include_proto!("ordermesh.common.v1");
            }
        }
        pub mod orders {
            pub mod v1 {
                tonic::include_proto!("ordermesh.orders.v1");
            }
        }
        pub mod payments {
            pub mod v1 {
                tonic::include_proto!("ordermesh.payments.v1");
            }
        }
        pub mod stock {
            pub mod v1 {
                tonic::include_proto!("ordermesh.stock.v1");
            }
        }
        pub mod kitchen {
            pub mod v1 {
                tonic::include_proto!("ordermesh.kitchen.v1");
            }
        }
    }
}

pub use generated::ordermesh::{
    common::v1 as types, kitchen::v1 as kitchen, orders::v1 as orders, payments::v1 as payments,
    stock::v1 as stock,
};

/// Names of the services in the registry.
pub mod service {
    pub const GATEWAY: &str = "gateway";
    pub const ORDERS: &str = "orders";
    pub const PAYMENTS: &str = "payments";
    pub const STOCK: &str = "stock";
    pub const KITCHEN: &str = "kitchen";
}
