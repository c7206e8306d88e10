//! Standard Webhooks' `v1` signature: HMAC-SHA256 over id, time and body, once with each key.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

/// `v1,… v1,…`: a receiver knows at least one of the keys while they are rotated.
pub(super) fn header(keys: &[Vec<u8>], id: &str, at: &str, body: &[u8]) -> String {
    let signatures: Vec<_> = keys.iter().map(|key| format!("v1,{}", sign(key, id, at, body))).collect();
    signatures.join(" ")
}

fn sign(key: &[u8], id: &str, at: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length will do");
    for part in [id.as_bytes(), b".", at.as_bytes(), b".", body] {
        mac.update(part);
    }
    BASE64_STANDARD.encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the scheme's own reference libraries.
    #[test]
    fn a_known_message_has_its_known_signature() {
        let key = BASE64_STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let body = br#"{"test": 2432232314}"#;
        let known = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        let (id, at) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330");
        assert_eq!(header(std::slice::from_ref(&key), id, at, body), known);
        assert_eq!(header(&[key.clone(), key], id, at, body), format!("{known} {known}"));
    }
}
