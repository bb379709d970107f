//! The certificate of a server that the harness starts: for 127.0.0.1, signed by its own key, which is
//! made when the server is started and forgotten with it. X.509 in DER, as in RFC 5280, section 4.1,
//! with the one curve that every client takes.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use rustls_pki_types::CertificateDer;

/// A certificate and its key.
pub(crate) struct Certificate {
    /// The certificate.
    pub(crate) der: CertificateDer<'static>,
    /// The key, as PKCS #8.
    key: Vec<u8>,
}

/// The files of a certificate and its key.
#[derive(Debug)]
pub(crate) struct Pair {
    /// The certificate.
    pub(crate) cert: PathBuf,
    /// Its key.
    pub(crate) key: PathBuf,
}

impl Certificate {
    /// # Errors
    /// When the system gives no randomness.
    pub(crate) fn for_loopback() -> Result<Self> {
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random);
        let key = key.map_err(|_| anyhow!("no key was made"))?.as_ref().to_vec();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &key, &random)
            .map_err(|error| anyhow!("a key was made that cannot be read: {error}"))?;
        let body = body(pair.public_key().as_ref());
        let signature = pair.sign(&random, &body).map_err(|_| anyhow!("nothing was signed"))?;
        let signature = bits(signature.as_ref());
        let der = sequence(&[&body, &sequence(&[ECDSA_WITH_SHA256]), &signature]);
        Ok(Self { der: der.into(), key })
    }

    /// Writes both as PEM.
    ///
    /// # Errors
    /// When they cannot be written.
    pub(crate) fn write(&self, folder: &Path) -> Result<Pair> {
        let pair = Pair { cert: folder.join("cert.pem"), key: folder.join("key.pem") };
        fs::write(&pair.cert, pem("CERTIFICATE", &self.der))?;
        fs::write(&pair.key, pem("PRIVATE KEY", &self.key))?;
        Ok(pair)
    }
}

/// All that is signed.
fn body(public_key: &[u8]) -> Vec<u8> {
    let version_3 = element(0xa0, &[&[0x02, 0x01, 0x02]]);
    let serial = [0x02, 0x01, 0x01];
    let common_name = sequence(&[COMMON_NAME, &element(0x0c, &[b"bellwire-bench"])]);
    let name = sequence(&[&element(0x31, &[&common_name])]);
    let moment = |text: &[u8]| element(0x17, &[text]);
    let validity = sequence(&[&moment(b"200101000000Z"), &moment(b"491231235959Z")]);
    let algorithm = sequence(&[EC_PUBLIC_KEY, PRIME256V1]);
    let key = sequence(&[&algorithm, &bits(public_key)]);
    let address = sequence(&[&element(0x87, &[&[127, 0, 0, 1]])]);
    let alternative_name = sequence(&[SUBJECT_ALT_NAME, &element(0x04, &[&address])]);
    let extensions = element(0xa3, &[&sequence(&[&alternative_name])]);
    let signed_with = sequence(&[ECDSA_WITH_SHA256]);
    sequence(&[&version_3, &serial, &signed_with, &name, &validity, &name, &key, &extensions])
}

fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    element(0x30, parts)
}

/// A bit string of whole bytes.
fn bits(bytes: &[u8]) -> Vec<u8> {
    element(0x03, &[&[0], bytes])
}

/// A tag, the length in its shortest form, and the parts.
fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = content.len();
    let mut bytes = match length {
        0..128 => vec![tag, length as u8],
        128..256 => vec![tag, 0x81, length as u8],
        _ => vec![tag, 0x82, (length >> 8) as u8, length as u8],
    };
    bytes.extend(content);
    bytes
}

fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}

/// 1.2.840.10045.4.3.2
const ECDSA_WITH_SHA256: &[u8] = &[0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
/// 1.2.840.10045.2.1
const EC_PUBLIC_KEY: &[u8] = &[0x06, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
/// 1.2.840.10045.3.1.7
const PRIME256V1: &[u8] = &[0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
/// 2.5.4.3
const COMMON_NAME: &[u8] = &[0x06, 3, 0x55, 0x04, 0x03];
/// 2.5.29.17
const SUBJECT_ALT_NAME: &[u8] = &[0x06, 3, 0x55, 0x1d, 0x11];
