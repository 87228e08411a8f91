//! Whom TLS trusts: the authorities that the machine trusts, and those that were handed in.

use std::sync::Arc;

use tokio::sync::OnceCell;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};

use crate::trouble::Trouble;

/// The machine's authorities are read when TLS is first needed.
pub(crate) struct Trust {
    extra: RootCertStore,
    connector: OnceCell<TlsConnector>,
}

impl Trust {
    pub(crate) fn with(extra: RootCertStore) -> Trust {
        Trust { extra, connector: OnceCell::new() }
    }

    /// # Errors
    /// When nobody is trusted. That is not remembered: installing certificates mends it without a new start.
    pub(crate) async fn connector(&self) -> Result<&TlsConnector, Trouble> {
        self.connector.get_or_try_init(|| self.load()).await
    }

    async fn load(&self) -> Result<TlsConnector, Trouble> {
        let mut roots = self.extra.clone();
        // Certificates of the machine that cannot be read are left out: each only makes fewer hosts trusted.
        let loading = tokio::task::spawn_blocking(rustls_native_certs::load_native_certs);
        roots.add_parsable_certificates(loading.await.map(|found| found.certs).unwrap_or_default());
        if roots.is_empty() {
            return Err(Trouble::NoRoots);
        }
        let mut config = ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring has ciphers for all versions of TLS that are on by default")
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsConnector::from(Arc::new(config)))
    }
}
