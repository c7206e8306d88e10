//! The service chassis: settings, platform, servers, health, shutdown, named tasks.
