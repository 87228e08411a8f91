//! Which endpoints are trusted, and how the gateway shows them who it is: the files that a service names, read again when
//! they change.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use arc_swap::ArcSwap;
use sluice_core::document::service::{ClientCertificate, Endpoint, EndpointTls, Place};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// How often files are looked at, at most.
const LOOK_TIME: Duration = Duration::from_secs(1);

/// What a service's endpoints are trusted by.
#[derive(Debug)]
pub(crate) struct Trust {
    spec: EndpointTls,
    settings: ArcSwap<Result<Settings, String>>,
    looked: Mutex<Looked>,
}

/// Settings for one connection, by what may be spoken on it.
#[derive(Clone, Debug)]
struct Settings {
    any: Arc<ClientConfig>,
    http1: Arc<ClientConfig>,
}

/// When the files were looked at, and how they were.
#[derive(Debug, Default)]
struct Looked {
    at: Option<Instant>,
    seen: Vec<(PathBuf, Option<(u64, SystemTime)>)>,
}

impl Trust {
    /// Nothing is read yet; see [`Trust::refresh`].
    pub(crate) fn new(spec: &EndpointTls) -> Trust {
        Trust {
            spec: spec.clone(),
            settings: ArcSwap::from_pointee(Err("its files were not read yet".to_owned())),
            looked: Mutex::default(),
        }
    }

    pub(crate) fn spec(&self) -> &EndpointTls {
        &self.spec
    }

    /// Reads the files when they changed since the last look. What cannot be read leaves what was there, and is told. Blocks
    /// for as long as the files do.
    pub(crate) fn refresh(&self) {
        // What is behind the lock is whole at every step.
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        if looked.at.is_some_and(|at| at.elapsed() < LOOK_TIME) {
            return;
        }
        let is_first = looked.at.replace(Instant::now()).is_none();
        // Looked at before they are read, so that no change is missed.
        let seen = self.files().map(|path| (path.to_owned(), look(path))).collect();
        if !is_first && looked.seen == seen {
            return;
        }
        looked.seen = seen;
        match (read(&self.spec), &**self.settings.load()) {
            (Err(why), Ok(_)) => tracing::warn!(why, "What endpoints are trusted by stays as it was"),
            (read, _) => self.settings.store(Arc::new(read)),
        }
    }

    fn files(&self) -> impl Iterator<Item = &Path> {
        let client = self.spec.client.iter();
        let client = client.flat_map(|client| [Some(&client.certificate), client.key.as_ref()]);
        [self.spec.ca.as_ref()].into_iter().chain(client).flatten().map(|path| Path::new(path.as_str()))
    }

    /// Settings for a connection; with `only_http1`, nothing else is offered on it.
    ///
    /// # Errors
    /// Why there are none.
    pub(crate) fn settings(&self, only_http1: bool) -> Result<Arc<ClientConfig>, String> {
        let settings = self.settings.load();
        let settings = (**settings).as_ref().map_err(String::clone)?;
        Ok(Arc::clone(if only_http1 { &settings.http1 } else { &settings.any }))
    }

    /// The name that an endpoint's certificate must be for.
    pub(crate) fn name_of(&self, endpoint: &Endpoint) -> Option<ServerName<'static>> {
        let name = match (&self.spec.server_name, endpoint.place()) {
            (Some(name), _) => name.as_str(),
            (None, Place::Port { host, .. }) => host,
            (None, Place::Socket(_)) => return None,
        };
        ServerName::try_from(name.to_owned()).ok()
    }
}

fn look(path: &Path) -> Option<(u64, SystemTime)> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.len(), metadata.modified().ok()?))
}

fn read(spec: &EndpointTls) -> Result<Settings, String> {
    let roots = match &spec.ca {
        Some(path) => Arc::new(authorities(Path::new(path.as_str()))?),
        None => Arc::clone(usual_roots().as_ref().map_err(String::clone)?),
    };
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots);
    let mut config = match &spec.client {
        None => builder.with_no_client_auth(),
        Some(client) => {
            let (chain, key) = own_certificate(client)?;
            let unusable = |error| format!("the gateway's certificate {}: {error}", client.certificate);
            builder.with_client_auth_cert(chain, key).map_err(unusable)?
        }
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let http1 = Arc::new(config.clone());
    config.alpn_protocols.insert(0, b"h2".to_vec());
    Ok(Settings { any: Arc::new(config), http1 })
}

/// Those that the machine trusts; read once, as they are hundreds.
fn usual_roots() -> &'static Result<Arc<RootCertStore>, String> {
    static ROOTS: OnceLock<Result<Arc<RootCertStore>, String>> = OnceLock::new();
    ROOTS.get_or_init(|| {
        let mut roots = RootCertStore::empty();
        // Some machines have odd ones among them, which nobody uses.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            return Err("this machine trusts no authorities: install `ca-certificates`, or name a file as \
                        endpointTls.ca"
                .to_owned());
        }
        Ok(Arc::new(roots))
    })
}

fn authorities(path: &Path) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|error| format!("endpointTls.ca {}: {error}", path.display()))?;
    }
    Ok(roots)
}

fn own_certificate(
    client: &ClientCertificate,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), String> {
    let chain = certificates(Path::new(client.certificate.as_str()))?;
    let path = client.key.as_ref().unwrap_or(&client.certificate);
    let pem = std::fs::read(path.as_str()).map_err(|error| format!("{path} cannot be read: {error}"))?;
    let key = PrivateKeyDer::from_pem_slice(&pem);
    Ok((chain, key.map_err(|error| format!("{path} holds no private key that can be read: {error}"))?))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let pem = std::fs::read(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let chain = chain.map_err(|error| format!("{} is no PEM: {error}", path.display()))?;
    if chain.is_empty() {
        return Err(format!("{} holds no `BEGIN CERTIFICATE`", path.display()));
    }
    Ok(chain)
}
