//! The service chassis: settings, platform, servers, health, shutdown and named tasks. It knows no service.

pub mod http;
pub mod platform;
pub mod server;
pub mod service;
pub mod settings;
pub mod sweep;
pub mod tasks;

pub use platform::Platform;
pub use service::{Check, Service};
pub use settings::{SettingError, Settings};
pub use tasks::Tasks;
