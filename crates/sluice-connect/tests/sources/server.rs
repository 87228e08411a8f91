//! Prometheus and VictoriaMetrics, the programs themselves, each with a folder of its own.

use std::process::{Child, Command, Stdio};

use http_body_util::BodyExt as _;
use serde_json::Value;
use tempfile::TempDir;

use crate::DEADLINE;
use crate::exporter::Exporter;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Program {
    Prometheus,
    VictoriaMetrics,
}

pub(crate) const BOTH: [Program; 2] = [Program::Prometheus, Program::VictoriaMetrics];

pub(crate) struct Server {
    pub(crate) url: String,
    address: String,
    child: Child,
    folder: TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Server {
    /// Starts it, and waits until it answers. It asks the exporter five times a second.
    pub(crate) async fn start(program: Program, exporter: &Exporter) -> Server {
        let folder = tempfile::tempdir().unwrap();
        // Neither program tells which port it took when it may choose.
        let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let config = folder.path().join("config.yml");
        let target = &exporter.address;
        let native = match program {
            Program::Prometheus => format!(
                "- {{ job_name: native, metrics_path: /native, static_configs: [ {{ targets: [ '{target}' ] }} ] }}\n"
            ),
            Program::VictoriaMetrics => String::new(),
        };
        let text = format!(
            "global: {{ scrape_interval: 200ms, scrape_timeout: 200ms }}\nscrape_configs:\n- {{ job_name: text, static_configs: [ {{ targets: [ '{target}' ] }} ] }}\n{native}"
        );
        std::fs::write(&config, text).unwrap();
        let data = folder.path().join("data");
        let (name, arguments) = match program {
            Program::Prometheus => (
                "prometheus",
                vec![
                    format!("--config.file={}", config.display()),
                    format!("--storage.tsdb.path={}", data.display()),
                    format!("--web.listen-address={address}"),
                    "--enable-feature=native-histograms".to_owned(),
                ],
            ),
            Program::VictoriaMetrics => (
                "victoria-metrics",
                vec![
                    format!("-promscrape.config={}", config.display()),
                    format!("-storageDataPath={}", data.display()),
                    format!("-httpListenAddr={address}"),
                    // What is stored can be seen at once.
                    "-search.latencyOffset=1ms".to_owned(),
                    "-search.disableCache".to_owned(),
                ],
            ),
        };
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let mut command = Command::new(name);
        command.args(arguments).stdout(Stdio::null()).stderr(log);
        let child = command.spawn().unwrap_or_else(|error| {
            panic!("`{name}` cannot be started ({error}): install Debian's packages by `make metric-servers`")
        });
        let server = Server { url: format!("http://{address}"), address, child, folder };
        server.until("it answers", "vector(1)", |found| found.len() == 1).await;
        server
    }

    /// Waits until an instant query gives what is wanted.
    pub(crate) async fn until(&self, what: &str, query: &str, is_so: impl Fn(&[Value]) -> bool) {
        let work = async {
            loop {
                if self.query(query).await.is_some_and(|found| is_so(&found)) {
                    return;
                }
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        };
        if tokio::time::timeout(DEADLINE, work).await.is_err() {
            let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            panic!("it never came to be that {what}: {query} gives {:?}\n{log}", self.query(query).await);
        }
    }

    /// Waits until a query gives one number.
    pub(crate) async fn until_number(&self, query: &str, number: &str) {
        let what = format!("{query} is {number}");
        self.until(&what, query, |found| found.len() == 1 && found[0]["value"][1] == number).await;
    }

    async fn query(&self, query: &str) -> Option<Vec<Value>> {
        let stream = tokio::net::TcpStream::connect(&self.address).await.ok()?;
        let io = hyper_util::rt::TokioIo::new(stream);
        let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.ok()?;
        tokio::spawn(connection);
        let encoded: String = query.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let request = http::Request::builder()
            .uri(format!("/api/v1/query?nocache=1&query={encoded}"))
            .header("host", &self.address)
            .body(http_body_util::Empty::<bytes::Bytes>::new())
            .unwrap();
        let answer = sender.send_request(request).await.ok()?.collect().await.ok()?.to_bytes();
        let answer: Value = serde_json::from_slice(&answer).ok()?;
        answer["data"]["result"].as_array().cloned()
    }
}
