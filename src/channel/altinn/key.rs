//! The key that innfri signs with, out of a PEM or a PKCS#12 file.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::EncodingKey;
use p12_keystore::KeyStore;

use super::config::MaskinportenConfig;
use super::error::SetupError;
use super::maskinporten::sign;
use crate::channel::outward::{bytes_of, secret_of};

/// The first byte of everything that is DER, as PKCS#12 is.
const SEQUENCE: u8 = 0x30;

/// Reads the key, and signs once with it: a key that cannot sign is told of at the start.
///
/// # Errors
/// When the file or its password cannot be read, or holds no key that can sign; the file is named.
pub(super) fn read_key(config: &MaskinportenConfig) -> Result<EncodingKey, SetupError> {
    let path = &config.key_file;
    let wrong = |problem| SetupError::Key { path: path.clone(), problem };
    let bytes = bytes_of(path)?;
    let pem = if bytes.first() == Some(&SEQUENCE) {
        let password = config.key_password_file.as_deref().map(secret_of).transpose()?;
        let password = password.as_ref().map_or("", |password| password.expose());
        // The library's own error is not passed on: it may tell of the content.
        let opened = KeyStore::from_pkcs12(&bytes, password).map_err(|_| {
            wrong(
                "is no PKCS#12 file that can be opened with the password in \
                 `altinn.maskinporten.key_password_file`",
            )
        })?;
        let (_, chain) = opened.private_key_chain().ok_or_else(|| wrong("holds no private key"))?;
        pem_of(chain.key())
    } else {
        bytes
    };
    // A public key is read without complaint, and shows only when it shall sign.
    let key = EncodingKey::from_rsa_pem(&pem).ok();
    let key = key.filter(|key| sign(&serde_json::json!({}), key, &config.key_id).is_ok());
    key.ok_or_else(|| {
        wrong(
            "must be a private RSA key of 2048 bits or more: unencrypted PEM, PKCS#8 (BEGIN PRIVATE \
             KEY), or PKCS#12",
        )
    })
}

/// A PKCS#8 key as PEM (RFC 7468, section 10).
fn pem_of(der: &[u8]) -> Vec<u8> {
    let mut pem = "-----BEGIN PRIVATE KEY-----\n".to_owned();
    for line in STANDARD.encode(der).as_bytes().chunks(64) {
        pem.push_str(&String::from_utf8_lossy(line));
        pem.push('\n');
    }
    pem.push_str("-----END PRIVATE KEY-----\n");
    pem.into_bytes()
}
