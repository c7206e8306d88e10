//! Who sent a webhook: Stripe's signature scheme over the raw body, with our clock and several secrets, which
//! async-stripe-webhook cannot be given.

use std::{fmt, time::Duration};

use common::{Code, Fault, Timestamp};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

/// The header with the signature, in lower case.
pub const SIGNATURE_HEADER: &str = "stripe-signature";
/// How far the time of signing may be from ours, either way.
pub const TOLERANCE: Duration = Duration::from_secs(300);
/// How many signatures of one header are looked at: Stripe sends one per secret that is not yet expired.
const SIGNATURES_MAX: usize = 16;

/// The secrets that webhooks may be signed with.
#[derive(Clone)]
pub struct Secrets(Vec<String>);

impl Secrets {
    #[must_use]
    pub fn new(secrets: Vec<String>) -> Self {
        Self(secrets)
    }

    /// `invalid_signature` unless one of the secrets signed exactly this body, within the tolerance of `now`.
    pub fn verify(&self, header: Option<&str>, body: &[u8], now: Timestamp) -> Result<(), Fault> {
        let header = header.ok_or_else(|| invalid("the signature is missing"))?;
        let (signed_at, signatures) = parse(header).ok_or_else(|| invalid("the signature cannot be read"))?;
        let at = Timestamp::from_secs(signed_at.parse().map_err(|_| invalid("the signature has no time"))?);
        if now.since(at).max(at.since(now)) > TOLERANCE {
            return Err(invalid("the signature is too old or from the future"));
        }
        let genuine =
            self.0.iter().any(|secret| signatures.iter().any(|s| signed(secret, signed_at, body, s)));
        if genuine { Ok(()) } else { Err(invalid("the signature does not fit the body")) }
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({})", self.0.len())
    }
}

/// `t=…,v1=…,v1=…`: the time as it was signed, and the signatures of the scheme that we know.
fn parse(header: &str) -> Option<(&str, Vec<[u8; 32]>)> {
    let fields = || header.split(',').filter_map(|field| field.trim().split_once('='));
    let signed_at = fields().find(|(name, _)| *name == "t")?.1;
    let ours = fields().filter(|(name, _)| *name == "v1").take(SIGNATURES_MAX);
    Some((signed_at, ours.filter_map(|(_, text)| from_hex(text)).collect()))
}

/// Compares in constant time.
fn signed(secret: &str, signed_at: &str, body: &[u8], signature: &[u8; 32]) -> bool {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key of any length will do");
    mac.update(signed_at.as_bytes());
    mac.update(b".");
    mac.update(body);
    mac.verify_slice(signature).is_ok()
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    let digits = text.as_bytes();
    let mut bytes = [0; 32];
    if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

fn invalid(public: &'static str) -> Fault {
    Fault::new(Code::InvalidSignature, public)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"id":"evt_1"}"#;
    const NOW: Timestamp = Timestamp::from_secs(1_790_000_000);

    fn signature(secret: &str, at: u64, body: &[u8]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(format!("{at}.").as_bytes());
        mac.update(body);
        mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn header(secret: &str, at: u64) -> String {
        format!("t={at},v0=00,v1={}", signature(secret, at, BODY))
    }

    fn secrets() -> Secrets {
        Secrets::new(vec!["whsec_new".into(), "whsec_old".into()])
    }

    #[test]
    fn during_rotation_either_secret_will_do_in_any_position() {
        let at = NOW.as_secs();
        for secret in ["whsec_new", "whsec_old"] {
            secrets().verify(Some(&header(secret, at)), BODY, NOW).unwrap();
        }
        let both = format!("{},v1={}", header("whsec_gone", at), signature("whsec_old", at, BODY));
        secrets().verify(Some(&both), BODY, NOW).unwrap();
    }

    #[test]
    fn five_minutes_are_tolerated_either_way_and_a_second_more_is_not() {
        for (offset, genuine) in [(-300, true), (300, true), (-301, false), (301, false)] {
            let at = NOW.as_secs().checked_add_signed(offset).unwrap();
            let verdict = secrets().verify(Some(&header("whsec_new", at)), BODY, NOW);
            assert_eq!(verdict.is_ok(), genuine, "{offset}");
        }
    }

    #[test]
    fn a_forged_or_damaged_webhook_is_refused() {
        let at = NOW.as_secs();
        let good = header("whsec_new", at);
        let late = good.replace(&format!("t={at}"), &format!("t={}", at + 1));
        let headers = [None, Some(""), Some("t=1"), Some("v1=00"), Some("t=x,v1=zz"), Some(late.as_str())];
        for header in headers {
            assert_eq!(secrets().verify(header, BODY, NOW).unwrap_err().code(), Code::InvalidSignature);
        }
        assert!(secrets().verify(Some(&good), br#"{"id":"evt_2"}"#, NOW).is_err());
        assert!(secrets().verify(Some(&header("whsec_forged", at)), BODY, NOW).is_err());
    }
}
