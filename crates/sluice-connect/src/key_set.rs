//! Fetching the keys that an issuer signs tokens with.

use sluice_core::Span;
use tokio_rustls::rustls::RootCertStore;

use crate::exchange::Limit;
use crate::trust::Trust;
use crate::web::{Request, Web, check_address};

/// How long an issuer may take.
const TIMEOUT: Span = Span::from_secs(10);

/// Where an issuer publishes its keys (a JSON Web Key Set, RFC 7517).
pub struct KeySet {
    url: String,
    web: Web,
}

impl KeySet {
    /// Asks nothing yet.
    ///
    /// # Errors
    /// When nothing could be asked at this address, in words.
    pub fn at(url: &str) -> Result<KeySet, String> {
        check_address(url).map_err(|trouble| trouble.why)?;
        let web = Web { read_variable: Box::new(|_| None), trust: Trust::with(RootCertStore::empty()) };
        Ok(KeySet { url: url.to_owned(), web })
    }

    /// The keys as they are now, as JSON.
    ///
    /// # Errors
    /// When there is no answer, or none that is JSON, in words that name the host.
    ///
    /// # Cancel safety
    /// When dropped, the connection is closed.
    pub async fn fetch(&self) -> Result<Vec<u8>, String> {
        let request = Request::get(self.url.clone());
        let keys: serde_json::Value =
            self.web.json(request, Limit::of(TIMEOUT)).await.map_err(|trouble| trouble.why)?;
        Ok(keys.to_string().into_bytes())
    }
}
