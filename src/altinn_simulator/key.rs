//! RSA keys: new ones for tests and newcomers, and the public ones that clients have registered.

use std::path::Path;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, JwkSet, KeyAlgorithm, PublicKeyUse};

/// Letters of a line of PEM (RFC 7468, section 2).
const PEM_LINE: usize = 64;

/// Why a key cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The machine gave no key.
    #[error("no RSA key could be made")]
    NotMade,
    /// A file cannot be read or written.
    #[error("cannot use the file {path}")]
    File {
        /// Which.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Not a public RSA key.
    #[error("{0} holds no public RSA key in PEM (`BEGIN PUBLIC KEY`)")]
    NoPublicKey(String),
    /// Not a key set.
    #[error("{0} holds no key set (JWKS) with RSA keys that have a `kid` and may sign with RS256")]
    NoKeySet(String),
}

/// An RSA key of 2048 bits, made just now. It has no `Debug`: one half is secret.
pub struct NewKey {
    private: String,
    public: String,
}

impl NewKey {
    /// Makes one. It takes a part of a second.
    ///
    /// # Errors
    /// When the machine gives none.
    pub fn generate() -> Result<Self, KeyError> {
        let pair = KeyPair::generate(KeySize::Rsa2048).map_err(|_| KeyError::NotMade)?;
        let private = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).map_err(|_| KeyError::NotMade)?;
        let public = AsDer::<PublicKeyX509Der<'_>>::as_der(pair.public_key());
        let public = public.map_err(|_| KeyError::NotMade)?;
        Ok(Self {
            private: pem("PRIVATE KEY", private.as_ref()),
            public: pem("PUBLIC KEY", public.as_ref()),
        })
    }

    /// The private half: PKCS#8 in PEM.
    pub fn private_pem(&self) -> &str {
        &self.private
    }

    /// The public half: SubjectPublicKeyInfo in PEM.
    pub fn public_pem(&self) -> &str {
        &self.public
    }

    /// Writes the private half to a new file that only its owner may read.
    ///
    /// # Errors
    /// When it cannot be written, or is there already.
    pub fn write_private(&self, path: &Path) -> Result<(), KeyError> {
        use std::io::Write as _;
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path);
        file.and_then(|mut file| file.write_all(self.private.as_bytes()))
            .map_err(|source| KeyError::File { path: path.display().to_string(), source })
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    let mut text = format!("-----BEGIN {label}-----\n");
    for (at, letter) in STANDARD.encode(der).chars().enumerate() {
        if at > 0 && at % PEM_LINE == 0 {
            text.push('\n');
        }
        text.push(letter);
    }
    text.push_str(&format!("\n-----END {label}-----\n"));
    text
}

/// A public key under the name by which assertions call it.
pub(super) struct RegisteredKey {
    pub(super) name: String,
    pub(super) key: DecodingKey,
}

/// The key of a PEM text; `place` is where it came from.
pub(super) fn from_pem(name: &str, pem: &str, place: &str) -> Result<RegisteredKey, KeyError> {
    let key = DecodingKey::from_rsa_pem(pem.as_bytes())
        .map_err(|_| KeyError::NoPublicKey(place.to_owned()))?;
    Ok(RegisteredKey { name: name.to_owned(), key })
}

/// All keys of a set that may check RS256.
pub(super) fn from_key_set(json: &str, place: &str) -> Result<Vec<RegisteredKey>, KeyError> {
    let wrong = || KeyError::NoKeySet(place.to_owned());
    let set: JwkSet = serde_json::from_str(json).map_err(|_| wrong())?;
    let mut keys = Vec::new();
    for key in &set.keys {
        let common = &key.common;
        let rsa = matches!(key.algorithm, AlgorithmParameters::RSA(_));
        let signs = !matches!(common.public_key_use, Some(PublicKeyUse::Encryption));
        let rs256 = matches!(common.key_algorithm, None | Some(KeyAlgorithm::RS256));
        if let (true, Some(name), Ok(read)) =
            (rsa && signs && rs256, &common.key_id, DecodingKey::from_jwk(key))
        {
            keys.push(RegisteredKey { name: name.clone(), key: read });
        }
    }
    if keys.is_empty() { Err(wrong()) } else { Ok(keys) }
}

pub(super) fn file(path: &Path) -> Result<String, KeyError> {
    std::fs::read_to_string(path)
        .map_err(|source| KeyError::File { path: path.display().to_string(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_key_is_read_back_and_its_file_is_not_overwritten() {
        let key = NewKey::generate().unwrap();
        assert!(from_pem("a", key.public_pem(), "here").is_ok());
        assert!(jsonwebtoken::EncodingKey::from_rsa_pem(key.private_pem().as_bytes()).is_ok());
        assert!(key.private_pem().lines().all(|line| line.len() <= PEM_LINE));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        key.write_private(&path).unwrap();
        assert!(key.write_private(&path).is_err());
    }

    #[test]
    fn what_is_no_key_is_refused_with_its_place() {
        let wrong = from_pem("a", "nonsense", "client x").err().unwrap();
        assert!(wrong.to_string().contains("client x"));
        for text in ["{}", "{\"keys\":[]}", "nonsense"] {
            assert!(from_key_set(text, "the set").is_err(), "{text}");
        }
    }
}
