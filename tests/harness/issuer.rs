//! Somebody who issues tokens, and forges them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Value, json};

use crate::server::START;

/// The secret of [`Issuer::secret`], and of no other.
const SECRET: &[u8] = b"a-secret-of-the-tests-with-43-characters-in";

/// Somebody with a key.
pub struct Issuer {
    /// What the key is for.
    pub algorithm: Algorithm,
    key: EncodingKey,
    file: &'static [u8],
}

impl Issuer {
    /// With a shared secret: HS256.
    #[must_use]
    pub fn secret() -> Self {
        Self { algorithm: Algorithm::HS256, key: EncodingKey::from_secret(SECRET), file: SECRET }
    }

    /// With an RSA key of 2048 bits: RS256.
    ///
    /// # Panics
    /// Never: the key is there.
    #[must_use]
    pub fn rsa() -> Self {
        let key = EncodingKey::from_rsa_pem(include_bytes!("../keys/rsa.pem")).expect("a key");
        Self { algorithm: Algorithm::RS256, key, file: include_bytes!("../keys/rsa.pub") }
    }

    /// With a key of P-256: ES256.
    ///
    /// # Panics
    /// Never: the key is there.
    #[must_use]
    pub fn p256() -> Self {
        let key = EncodingKey::from_ec_pem(include_bytes!("../keys/p256.pem")).expect("a key");
        Self { algorithm: Algorithm::ES256, key, file: include_bytes!("../keys/p256.pub") }
    }

    /// With a key of Ed25519: `EdDSA`.
    ///
    /// # Panics
    /// Never: the key is there.
    #[must_use]
    pub fn ed25519() -> Self {
        let key = EncodingKey::from_ed_pem(include_bytes!("../keys/ed25519.pem")).expect("a key");
        Self { algorithm: Algorithm::EdDSA, key, file: include_bytes!("../keys/ed25519.pub") }
    }

    /// With another key of P-256, which no host knows.
    ///
    /// # Panics
    /// Never: the key is there.
    #[must_use]
    pub fn stranger() -> Self {
        let key = EncodingKey::from_ec_pem(include_bytes!("../keys/p256-other.pem")).expect("a key");
        Self { algorithm: Algorithm::ES256, key, file: b"" }
    }

    /// One of each kind.
    #[must_use]
    pub fn all() -> [Self; 4] {
        [Self::secret(), Self::rsa(), Self::p256(), Self::ed25519()]
    }

    /// With this secret.
    #[must_use]
    pub fn with_secret(secret: &[u8]) -> Self {
        Self { algorithm: Algorithm::HS256, key: EncodingKey::from_secret(secret), file: b"" }
    }

    /// What a host's `--jwt-key` has: the secret, or the public key in PEM.
    #[must_use]
    pub fn key_file(&self) -> &'static [u8] {
        self.file
    }

    /// The key in a host's `--jwks`.
    ///
    /// # Panics
    /// Never: all of these keys have a public form.
    #[must_use]
    pub fn jwk(&self, kid: &str) -> Value {
        let jwk = Jwk::from_encoding_key(&self.key, self.algorithm).expect("a key");
        let mut jwk = serde_json::to_value(jwk).expect("JSON");
        jwk["kid"] = json!(kid);
        jwk
    }

    /// The header that its tokens have.
    #[must_use]
    pub fn header(&self) -> Value {
        json!({"typ": "JWT", "alg": format!("{:?}", self.algorithm)})
    }

    /// A token with this header and these claims, whatever they say, and a right signature.
    #[must_use]
    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        self.sign_text(&header.to_string(), &claims.to_string())
    }

    /// The same of any text.
    ///
    /// # Panics
    /// Never: the key can sign.
    #[must_use]
    pub fn sign_text(&self, header: &str, claims: &str) -> String {
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = crypto::sign(message.as_bytes(), &self.key, self.algorithm).expect("a signature");
        format!("{message}.{signature}")
    }

    /// A good token for somebody with these roles, for an hour from the start of a test.
    #[must_use]
    pub fn token(&self, subject: &str, roles: &[&str]) -> String {
        self.sign(&self.header(), &claims(subject, roles))
    }
}

/// What a good token claims, for an hour from the start of a test.
#[must_use]
pub fn claims(subject: &str, roles: &[&str]) -> Value {
    json!({"sub": subject, "roles": roles, "exp": START.0 / 1000 + 3600})
}
