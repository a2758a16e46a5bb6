//! Slack's request signature, scheme v0: <https://docs.slack.dev/authentication/verifying-requests-from-slack>.
//! Must not read the clock: the caller says what time it is.
//!
//! slack-morphism's verifier reads the system clock itself, so a test could not hold time still; the scheme is one
//! HMAC, and `Mac::verify_slice` compares in constant time.

use std::fmt;

use chrono::{DateTime, Utc};
use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use crate::error::UserError;

/// The header with `v0=` and 64 lower-case hex digits.
pub const SIGNATURE_HEADER: &str = "x-slack-signature";
/// The header with the Unix time of sending, in seconds.
pub const TIMESTAMP_HEADER: &str = "x-slack-request-timestamp";

/// How far a request's time may be from ours, either way: Slack's own advice against replays.
pub const WINDOW_SECS: i64 = 5 * 60;

/// Digits of a Unix time until the year 33658; more is no time.
const TIMESTAMP_DIGITS: usize = 12;

const SIGNATURE_BYTES: usize = 32;

/// Checks that requests come from Slack.
#[derive(Clone)]
pub struct Verifier {
    /// Keyed once: each check clones it rather than deriving the key again.
    keyed: Hmac<Sha256>,
}

impl Verifier {
    /// Refuses an empty secret, with which anybody could sign.
    pub fn new(signing_secret: &SecretString) -> Result<Self, UserError> {
        let secret = signing_secret.expose_secret().trim();
        if secret.is_empty() {
            return Err(UserError::new("The Slack signing secret is empty.")
                .next("Copy it from the app's Basic Information page into slack.signing_secret."));
        }
        let keyed = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
        Ok(Self { keyed })
    }

    /// Whether the body is what was signed, byte for byte.
    pub fn check(&self, stamp: &Stamp<'_>, body: &[u8]) -> Result<(), Refusal> {
        let mut mac = self.keyed.clone();
        mac.update(b"v0:");
        mac.update(stamp.timestamp.as_bytes());
        mac.update(b":");
        mac.update(body);
        mac.verify_slice(&stamp.signature).map_err(|_| Refusal::WrongSignature)
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verifier(..)")
    }
}

/// A request's two headers, well formed and recent; its body is not checked yet.
#[derive(Debug)]
pub struct Stamp<'a> {
    /// As sent: the signature covers these very characters.
    timestamp: &'a str,
    signature: [u8; SIGNATURE_BYTES],
}

impl<'a> Stamp<'a> {
    /// Reads the values of both headers, before any of the body is.
    pub fn parse(
        signatures: impl Iterator<Item = &'a [u8]>,
        timestamps: impl Iterator<Item = &'a [u8]>,
        now: DateTime<Utc>,
    ) -> Result<Self, Refusal> {
        let timestamp = only(timestamps, Refusal::NoTimestamp)?;
        let signature = only(signatures, Refusal::NoSignature)?;
        // `i64::from_str` takes a sign; Slack never sends one.
        if timestamp.is_empty() || timestamp.len() > TIMESTAMP_DIGITS || !timestamp.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Refusal::BadTimestamp);
        }
        let sent_at: i64 = timestamp.parse().map_err(|_| Refusal::BadTimestamp)?;
        if (now.timestamp() - sent_at).abs() > WINDOW_SECS {
            return Err(Refusal::OutsideWindow);
        }
        let digits = signature.strip_prefix("v0=").ok_or(Refusal::BadSignatureForm)?;
        // Upper case would decode to the same bytes; Slack never sends it.
        if digits.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err(Refusal::BadSignatureForm);
        }
        let mut bytes = [0; SIGNATURE_BYTES];
        hex::decode_to_slice(digits, &mut bytes).map_err(|_| Refusal::BadSignatureForm)?;
        Ok(Self { timestamp, signature: bytes })
    }
}

/// A header that comes twice is refused: a proxy may have checked the other one.
fn only<'a>(mut values: impl Iterator<Item = &'a [u8]>, absent: Refusal) -> Result<&'a str, Refusal> {
    let first = values.next().ok_or(absent)?;
    if values.next().is_some() {
        return Err(Refusal::DoubledHeader);
    }
    match std::str::from_utf8(first) {
        Ok(text) if text.is_ascii() => Ok(text),
        Ok(_) | Err(_) => Err(Refusal::NotAscii),
    }
}

/// Why a request was not believed; for the log and the metric, never for the sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    NoSignature,
    NoTimestamp,
    DoubledHeader,
    NotAscii,
    BadTimestamp,
    OutsideWindow,
    BadSignatureForm,
    WrongSignature,
}

impl Refusal {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoSignature => "no_signature",
            Self::NoTimestamp => "no_timestamp",
            Self::DoubledHeader => "doubled_header",
            Self::NotAscii => "not_ascii",
            Self::BadTimestamp => "bad_timestamp",
            Self::OutsideWindow => "outside_window",
            Self::BadSignatureForm => "bad_signature_form",
            Self::WrongSignature => "wrong_signature",
        }
    }
}
