//! The `Stripe-Signature` header: a time and the HMAC-SHA256 of time and body.

use common::Timestamp;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use crate::{config::WebhookSecret, hex};

/// The header's value for a body that is sent at this time.
#[must_use]
pub fn header(secret: &WebhookSecret, body: &str, at: Timestamp) -> String {
    let t = at.as_secs();
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.reveal().as_bytes()).expect("HMAC takes a key of any length");
    mac.update(format!("{t}.").as_bytes());
    mac.update(body.as_bytes());
    format!("t={t},v1={}", hex::encode(&mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_the_one_that_openssl_computes() {
        // printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac whsec_test
        let signed =
            header(&WebhookSecret::new("whsec_test"), "{\"a\":1}", Timestamp::from_secs(1_700_000_000));
        assert_eq!(signed, EXPECTED);
    }

    const EXPECTED: &str = "t=1700000000,v1=38877139021993b830af32feea6e18a8da83eb2f6e49ee50bd9e4cf4ca4d3789";
}
