//! Secrets that are kept for a while, encrypted, and addresses that nobody can make up. Must not know what they are for.
//!
//! AES-256-GCM and HMAC-SHA256 under keys of their own, derived from the configured one by HKDF (RFC 5869).

use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hkdf::{HKDF_SHA256, Salt},
    hmac,
    rand::{SecureRandom, SystemRandom},
};
use secrecy::{ExposeSecret, SecretString};

/// Tells Steward's derived keys from another program's with the same secret.
const SALT: &[u8] = b"steward";

/// Both keys.
pub struct Seal {
    secrets: LessSafeKey,
    addresses: hmac::Key,
}

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seal")
    }
}

impl Seal {
    pub fn new(key: &SecretString) -> Self {
        let derived = Salt::new(HKDF_SHA256, SALT).extract(key.expose_secret().as_bytes());
        let derive = |what: &[u8]| {
            let mut bytes = [0; 32];
            let whole = derived.expand(&[what], HKDF_SHA256).and_then(|okm| okm.fill(&mut bytes).map(|()| bytes));
            whole.expect("32 bytes are what HKDF with SHA-256 gives at once")
        };
        let secrets = UnboundKey::new(&AES_256_GCM, &derive(b"secrets")).expect("a key of 32 bytes");
        Self { secrets: LessSafeKey::new(secrets), addresses: hmac::Key::new(hmac::HMAC_SHA256, &derive(b"addresses")) }
    }

    /// Encrypts; what is sealed about one thing cannot be opened as another's.
    pub fn seal(&self, about: &str, plain: &[u8]) -> Vec<u8> {
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).expect("the system gives random numbers");
        let mut sealed = plain.to_vec();
        self.secrets
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(about), &mut sealed)
            .expect("what is sealed is far shorter than AES allows");
        [&nonce[..], &sealed].concat()
    }

    /// Decrypts; `None` where it was sealed with another key, about something else, or has been changed.
    pub fn open(&self, about: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut opened = sealed.to_vec();
        self.secrets.open_in_place(nonce, Aad::from(about), &mut opened).ok().map(|plain| plain.to_vec())
    }

    /// 64 hexadecimal digits that only the holder of the key can make of a text.
    pub fn sign(&self, text: &str) -> String {
        hex::encode(hmac::sign(&self.addresses, text.as_bytes()))
    }

    /// In constant time.
    pub fn is_signed(&self, text: &str, signature: &str) -> bool {
        hex::decode(signature).is_ok_and(|tag| hmac::verify(&self.addresses, text.as_bytes(), &tag).is_ok())
    }
}
