//! What a sandbox must be told, and the webhook secret that it may keep for itself.

use std::{fmt, fs, io::Write as _, path::Path, time::Duration};

use common::{Fault, Random};

use crate::hex;

/// Settings of one sandbox.
#[derive(Clone, Debug)]
pub struct Config {
    /// Base of the links to the hosted page, such as `http://127.0.0.1:8090`.
    pub public_url: String,
    /// Where webhooks are posted, over plain HTTP; `None` when nobody is to be told.
    pub webhook_url: Option<String>,
    pub webhook_secret: WebhookSecret,
    /// How long a delayed payment method takes to be decided.
    pub delayed_after: Duration,
}

impl Config {
    /// A delayed method takes this long unless told otherwise.
    pub const DELAYED_AFTER: Duration = Duration::from_secs(3);

    #[must_use]
    pub fn new(
        public_url: impl Into<String>,
        webhook_url: Option<String>,
        webhook_secret: WebhookSecret,
    ) -> Self {
        Self {
            public_url: public_url.into(),
            webhook_url,
            webhook_secret,
            delayed_after: Self::DELAYED_AFTER,
        }
    }
}

/// The key that webhooks are signed with; never shown in logs.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookSecret(String);

impl WebhookSecret {
    #[must_use]
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// The text itself, as the receiver must know it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(…)")
    }
}

const SECRET_FILE: &str = "webhook_secret";

/// The secret kept in the sandbox's folder, made on the first call: signer and receiver read the same. It is
/// published by a hard link, so that of two first calls one wins and nobody reads half a secret. Faults: `internal`.
pub fn secret(folder: &Path, random: &dyn Random) -> Result<WebhookSecret, Fault> {
    let file = folder.join(SECRET_FILE);
    let failed = |what: &str, error: &std::io::Error| {
        Fault::internal(format!("{what} the webhook secret in {}: {error}", folder.display()))
    };
    if !file.exists() {
        create(folder, &file, random).map_err(|error| failed("write", &error))?;
    }
    let text = fs::read_to_string(&file).map_err(|error| failed("read", &error))?;
    Ok(WebhookSecret::new(text.trim()))
}

fn create(folder: &Path, file: &Path, random: &dyn Random) -> std::io::Result<()> {
    let mut bytes = [0; 24];
    random.fill(&mut bytes);
    fs::create_dir_all(folder)?;
    let draft = folder.join(format!("{SECRET_FILE}.{:016x}", random.next_u64()));
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut opened = options.open(&draft)?;
    writeln!(opened, "whsec_{}", hex::encode(&bytes))?;
    opened.sync_all()?;
    let linked = fs::hard_link(&draft, file);
    fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    }
}

#[cfg(test)]
mod tests {
    use common::SystemRandom;

    use super::*;

    #[test]
    fn the_secret_is_made_once_and_shared_by_all_who_ask() {
        let folder = tempfile::tempdir().unwrap();
        let ask = || secret(&folder.path().join("sandbox"), &SystemRandom).unwrap();
        let all: Vec<_> = std::thread::scope(|scope| {
            let asked: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
            asked.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(all[0].reveal().starts_with("whsec_"));
        assert!(all.iter().all(|s| s == &all[0]));
        assert!(!format!("{:?}", all[0]).contains("whsec"));
    }
}
