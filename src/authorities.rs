//! Authorities whose certificates are trusted besides the machine's own.
//!
//! Owns reading and checking them; the HTTP clients of the platform and of object
//! stores take them from here.

use std::path::Path;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::outside_file::bytes_of;

/// Many times the list of a browser.
const MOST_BYTES: u64 = 16 * 1024 * 1024;

/// Certificates of authorities, each of them checked.
#[derive(Debug, Clone, Default)]
pub struct Authorities(Arc<[CertificateDer<'static>]>);

impl Authorities {
    /// Reads a file of certificates in PEM.
    ///
    /// # Errors
    /// A text that names the file and says why it cannot be used: one certificate that
    /// no client would take is enough.
    pub fn read(path: &Path) -> Result<Self, String> {
        let name = path.display();
        let pem = bytes_of(path, MOST_BYTES).map_err(|why| format!("{name} {why}"))?;
        let mut certificates = Vec::new();
        for (number, section) in (1..).zip(CertificateDer::pem_slice_iter(&pem)) {
            let wrong = |why: String| format!("certificate {number} of {name} is none: {why}");
            let certificate = section.map_err(|error| wrong(error.to_string()))?;
            // As clients do it, who would not say which file it was.
            let taken = RootCertStore::empty().add(certificate.clone());
            taken.map_err(|error| wrong(error.to_string()))?;
            certificates.push(certificate);
        }
        if certificates.is_empty() {
            return Err(format!(
                "{name} holds no certificate in PEM (-----BEGIN CERTIFICATE-----)"
            ));
        }
        Ok(Self(certificates.into()))
    }

    /// The certificates, encoded in DER.
    pub(crate) fn certificates(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(AsRef::as_ref)
    }
}
