//! The certificates of a gateway: a folder of PEM files, read again when it changes.
//!
//! `NAME.pem` or `NAME.crt` holds a chain, the server's own certificate first. Its key is in the same file or in
//! `NAME.key`. Which names a certificate is for is read from itself. A visitor who asks for a name that none is for is
//! given `default`, if there is a file of that name, or the only one; with more, the handshake is refused.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::ArcSwap;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{self, ServerConfig};

/// Why certificates cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// The folder, or a file in it, cannot be read.
    #[error("the certificates in {} cannot be read", .path.display())]
    Unreadable {
        /// The folder or file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Nothing is there.
    #[error(
        "there is no certificate in {}: put a chain there as NAME.pem, with its key in the same file or in NAME.key",
        .path.display()
    )]
    Empty {
        /// The folder.
        path: PathBuf,
    },
    /// A file is not what it should be.
    #[error("the certificate {} cannot be used: {why}", .path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Why, and how to mend it.
        why: String,
    },
}

/// What visitors are shown, by the name that they ask for.
#[derive(Debug, Default)]
struct Shown {
    exact: HashMap<String, Arc<CertifiedKey>>,
    /// By the name without its `*.`.
    wildcard: HashMap<String, Arc<CertifiedKey>>,
    default: Option<Arc<CertifiedKey>>,
}

/// The files of a folder as they were when they were read.
pub(crate) type Seen = Vec<(PathBuf, u64, Option<SystemTime>)>;

/// A folder of certificates. Clones are handles on the same one.
#[derive(Clone, Debug)]
pub struct Certificates {
    folder: PathBuf,
    shown: Arc<ArcSwap<Shown>>,
    /// What was opened; looked at before it was read, so that no change is missed.
    opened: Seen,
}

impl Certificates {
    /// Reads the folder. Blocks.
    ///
    /// # Errors
    /// When it holds no certificate, or one that cannot be used.
    pub fn open(folder: &Path) -> Result<Certificates, CertificateError> {
        let opened = look(folder);
        let shown = Arc::new(ArcSwap::from_pointee(read(folder)?));
        Ok(Certificates { folder: folder.to_owned(), shown, opened })
    }

    /// Settings for TLS 1.2 and 1.3, with HTTP/2 and HTTP/1.1 on offer.
    ///
    /// # Errors
    /// When the provider of the ciphers cannot serve those versions.
    pub(crate) fn config(&self) -> Result<Arc<ServerConfig>, rustls::Error> {
        let provider = Arc::new(ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(self.clone()));
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    /// The files as they were when the folder was opened.
    pub(crate) fn opened(&self) -> Seen {
        self.opened.clone()
    }

    /// Reads the folder again when it is not as `seen`. What cannot be read changes nothing and is told. Blocks.
    pub(crate) fn follow(&self, seen: &mut Seen) {
        let now = look(&self.folder);
        if *seen == now {
            return;
        }
        *seen = now;
        match read(&self.folder) {
            Ok(shown) => {
                let names = shown.exact.len() + shown.wildcard.len();
                self.shown.store(Arc::new(shown));
                tracing::info!(folder = %self.folder.display(), names, "The certificates were read again");
            }
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(error, "The certificates stay as they were");
            }
        }
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let shown = self.shown.load();
        let found = hello.server_name().and_then(|name| {
            let name = name.to_ascii_lowercase();
            let by_suffix = || name.split_once('.').and_then(|(_, parent)| shown.wildcard.get(parent));
            shown.exact.get(&name).or_else(by_suffix).cloned()
        });
        found.or_else(|| shown.default.clone())
    }
}

fn look(folder: &Path) -> Seen {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut seen: Seen = entries
        .filter_map(|entry| {
            // Of what a link points to: secrets are mounted as links.
            let metadata = std::fs::metadata(entry.path()).ok()?;
            Some((entry.path(), metadata.len(), metadata.modified().ok()))
        })
        .collect();
    seen.sort();
    seen
}

fn read(folder: &Path) -> Result<Shown, CertificateError> {
    let unreadable = |source| CertificateError::Unreadable { path: folder.to_owned(), source };
    let entries = std::fs::read_dir(folder).map_err(unreadable)?;
    let mut chains = Vec::new();
    for entry in entries {
        let path = entry.map_err(unreadable)?.path();
        let extension = path.extension().and_then(|extension| extension.to_str());
        // What issued a certificate lies beside it in the secrets of Kubernetes, and is nobody's to show.
        let is_issuer = path.file_name().is_some_and(|name| name == "ca.crt");
        if matches!(extension, Some("pem" | "crt")) && !is_issuer {
            chains.push(path);
        }
    }
    if chains.is_empty() {
        return Err(CertificateError::Empty { path: folder.to_owned() });
    }
    // Of two for the same name, the first in the alphabet is shown: the same on every gateway.
    chains.sort();
    let mut shown = Shown::default();
    for path in &chains {
        let (key, names) = read_one(path)?;
        let is_default = chains.len() == 1 || path.file_stem().is_some_and(|stem| stem == "default");
        if is_default {
            shown.default.get_or_insert_with(|| Arc::clone(&key));
        }
        for name in names {
            match name.strip_prefix("*.") {
                Some(parent) => shown.wildcard.entry(parent.to_owned()).or_insert_with(|| Arc::clone(&key)),
                None => shown.exact.entry(name).or_insert_with(|| Arc::clone(&key)),
            };
        }
    }
    Ok(shown)
}

/// A chain with its key, and the names that it is for.
fn read_one(path: &Path) -> Result<(Arc<CertifiedKey>, Vec<String>), CertificateError> {
    let load = |path: &Path| {
        std::fs::read(path).map_err(|source| CertificateError::Unreadable { path: path.to_owned(), source })
    };
    let unusable = |why: String| CertificateError::Unusable { path: path.to_owned(), why };
    let pem = load(path)?;
    let chain: Result<Vec<CertificateDer<'static>>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let chain = chain.map_err(|error| unusable(format!("it is no PEM: {error}")))?;
    let Some(first) = chain.first() else {
        return Err(unusable("it holds no `BEGIN CERTIFICATE`".to_owned()));
    };
    let names = names_of(first).map_err(|error| unusable(format!("its first certificate: {error}")))?;
    let key = match PrivateKeyDer::from_pem_slice(&pem) {
        Ok(key) => key,
        Err(_) => {
            let beside = path.with_extension("key");
            let pem = load(&beside)?;
            PrivateKeyDer::from_pem_slice(&pem).map_err(|error| CertificateError::Unusable {
                path: beside,
                why: format!("it holds no private key that can be read: {error}"),
            })?
        }
    };
    let key = ring::sign::any_supported_type(&key)
        .map_err(|error| unusable(format!("its key is of no kind that is known: {error}")))?;
    let certified = CertifiedKey::new(chain, key);
    match certified.keys_match() {
        Ok(()) => Ok((Arc::new(certified), names)),
        Err(error) => Err(unusable(format!("its key is not the one of its first certificate: {error}"))),
    }
}

/// The names of a certificate, wildcards as `*.example.com`, in lower case.
fn names_of(certificate: &CertificateDer<'_>) -> Result<Vec<String>, webpki::Error> {
    let certificate = webpki::EndEntityCert::try_from(certificate)?;
    Ok(certificate.valid_dns_names().map(str::to_ascii_lowercase).collect())
}
