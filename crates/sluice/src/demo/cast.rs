//! Who is on stage: a server with its gateway, and three builds of the shop.

use std::net::TcpListener;

use tempfile::TempDir;

use crate::client::Client;
use crate::client::address::ServerAddress;
use crate::demo::process::Process;
use crate::demo::story::{BAD, GOOD, LIVE};
use crate::outcome::{Exit, Failure};

/// The ports that people expect, when they are free.
const CONTROL_PORT: u16 = 7070;
const GATEWAY_PORT: u16 = 8080;

/// What the demo applies, with addresses that are replaced by the real ones.
const DOCUMENTS: &str = include_str!("../../../../examples/demo/shop.yaml");

/// How a build behaves: its version, its address in the documents, how many of a hundred requests it fails, and how
/// many milliseconds it takes.
const BUILDS: [(&str, &str, &str, &str); 3] = [
    (LIVE, "http://127.0.0.1:9001", "0", "40"),
    (BAD, "http://127.0.0.1:9002", "8", "160"),
    (GOOD, "http://127.0.0.1:9003", "0", "38"),
];

/// Everything that runs. When dropped, all of it ends and the folder is removed.
pub(crate) struct Cast {
    // In the order in which they end: the server first, so that it does not see its builds die.
    server: Process,
    _builds: Vec<Process>,
    _folder: TempDir,
    dashboard: String,
    shop: String,
    documents: String,
}

impl Cast {
    /// Starts everything and waits until it serves.
    ///
    /// # Errors
    /// When a process does not start. Those that did are ended.
    pub(crate) fn start(with_free_ports: bool) -> Result<Cast, Failure> {
        let folder = tempfile::Builder::new().prefix("sluice-demo-").tempdir().map_err(|error| {
            Failure::new(Exit::Configuration, "no temporary folder can be made").because(&error)
        })?;
        let mut documents = DOCUMENTS.to_owned();
        let mut builds = Vec::new();
        for (version, written, error_percent, slow_ms) in BUILDS {
            let options = [
                "demo-endpoint",
                "--version",
                version,
                "--error-percent",
                error_percent,
                "--slow-ms",
                slow_ms,
            ];
            let log = folder.path().join(format!("{version}.log"));
            let mut build = Process::start("a build of the shop", &options.map(str::to_owned), log)?;
            documents = documents.replace(written, &build.address("endpoint")?);
            builds.push(build);
        }
        let options = [
            "serve".to_owned(),
            "--stop-with-stdin".to_owned(),
            "--data".to_owned(),
            folder.path().join("data").display().to_string(),
            "--listen".to_owned(),
            format!("127.0.0.1:{}", port(CONTROL_PORT, with_free_ports)),
            "--gateway".to_owned(),
            format!("127.0.0.1:{}", port(GATEWAY_PORT, with_free_ports)),
        ];
        let mut server = Process::start("the server", &options, folder.path().join("server.log"))?;
        let dashboard = server.address("dashboard")?;
        let shop = server.address("gateway")?;
        Ok(Cast { server, _builds: builds, _folder: folder, dashboard, shop, documents })
    }

    /// A client of the server.
    ///
    /// # Errors
    /// When the server said something that is no address, which is a bug.
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        let address: ServerAddress = self.dashboard.parse().map_err(|error| {
            Failure::new(Exit::Bug, format!("{} is no address of a server", self.dashboard)).because(&error)
        })?;
        Ok(Client::new(address, Some("demo".to_owned())))
    }

    /// Where the dashboard is.
    pub(crate) fn dashboard(&self) -> &str {
        &self.dashboard
    }

    /// Where visitors come in.
    pub(crate) fn shop(&self) -> &str {
        &self.shop
    }

    /// The documents, with the real addresses.
    pub(crate) fn documents(&self) -> &str {
        &self.documents
    }

    /// The end of the server's log.
    pub(crate) fn last_words(&self) -> Vec<String> {
        self.server.last_words()
    }
}

/// The wanted port when it is free, else 0: the system picks one. Whoever takes it in between makes the server say so.
fn port(wanted: u16, with_free_ports: bool) -> u16 {
    let is_free = || TcpListener::bind(("127.0.0.1", wanted)).is_ok();
    if !with_free_ports && is_free() { wanted } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documents_are_fine_and_name_every_build_at_the_address_that_is_replaced() {
        let documents = sluice_core::document::parse_yaml(DOCUMENTS).unwrap();
        assert_eq!(documents.len(), 2);
        for (version, written, ..) in BUILDS {
            assert_eq!(DOCUMENTS.matches(written).count(), 1, "{version}");
        }
    }
}
