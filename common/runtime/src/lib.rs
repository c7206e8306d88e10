//! The service chassis: settings, platform, servers, health, shutdown and named tasks. It knows no service.

pub mod announcer;
pub mod answer;
pub mod calls;
pub mod http;
pub mod http_client;
pub mod observer;
pub mod platform;
pub mod probes;
pub mod readiness;
pub mod server;
pub mod service;
pub mod settings;
pub mod signals;
pub mod sweep;
pub mod tasks;

pub use platform::Platform;
pub use service::{Check, Service};
pub use settings::{SettingError, Settings};
pub use tasks::Tasks;
