//! A real `sluice serve` in a process of its own, and endpoints for it.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::Runtime;

/// A server, killed when it goes out of scope.
pub(crate) struct Server {
    child: Child,
    control: String,
    pub(crate) gateway: String,
}

impl Server {
    /// Starts one on a folder and waits until it is ready; gives how long that took.
    pub(crate) fn start(folder: &Path) -> (Server, Duration) {
        let (control, gateway) = (free_address(), free_address());
        let began = Instant::now();
        let child = Command::new(binary())
            .args(["serve", "--log", "error", "--listen", &control, "--gateway", &gateway, "--data"])
            .arg(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let server = Server { child, control, gateway };
        while ureq::get(server.url("/readyz")).call().is_err() {
            std::thread::sleep(Duration::from_millis(1));
        }
        (server, began.elapsed())
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends it as `kill -9` does.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.control)
    }

    pub(crate) fn apply(&self, yaml: &str) {
        let url = self.url("/api/v1/apply");
        ureq::post(url).header("content-type", "application/yaml").send(yaml).unwrap();
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Result<Value, ureq::Error> {
        ureq::post(self.url(path)).send_json(body)?.body_mut().read_json()
    }

    pub(crate) fn get(&self, path: &str) -> Value {
        ureq::get(self.url(path)).call().unwrap().body_mut().read_json().unwrap()
    }

    /// Starts a release and gives its name.
    pub(crate) fn release(&self, service: &str, version: &str, policy: &str) -> String {
        let body = serde_json::json!({ "service": service, "version": version, "policy": policy });
        let created = self.post("/api/v1/releases", &body).unwrap();
        created["metadata"]["name"].as_str().unwrap().to_owned()
    }

    pub(crate) fn act(&self, release: &str, verb: &str) {
        self.post(&format!("/api/v1/releases/{release}/{verb}"), &serde_json::json!({})).unwrap();
    }

    pub(crate) fn status(&self, release: &str) -> Value {
        self.get(&format!("/api/v1/releases/{release}"))["status"].take()
    }

    /// Waits until something holds of a release's status.
    pub(crate) fn until(&self, release: &str, holds: impl Fn(&Value) -> bool) -> Value {
        loop {
            let status = self.status(release);
            if holds(&status) {
                return status;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The binary that is measured: the one built with this benchmark, or another one named by `SLUICE_BINARY`.
pub(crate) fn binary() -> PathBuf {
    std::env::var_os("SLUICE_BINARY")
        .map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_sluice")), PathBuf::from)
}

fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// An endpoint that answers everything with 200 and two bytes; gives its address.
pub(crate) fn endpoint(runtime: &Runtime) -> String {
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    runtime.spawn(async move {
        loop {
            let Ok((mut stream, _)) = listener.accept().await else { return };
            tokio::spawn(async move {
                let mut held = Vec::new();
                let mut chunk = [0; 4096];
                loop {
                    match stream.read(&mut chunk).await {
                        Ok(0) | Err(_) => return,
                        Ok(count) => held.extend_from_slice(&chunk[..count]),
                    }
                    if held.ends_with(b"\r\n\r\n") {
                        held.clear();
                        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
                        if stream.write_all(answer).await.is_err() {
                            return;
                        }
                    }
                }
            });
        }
    });
    format!("http://{address}")
}

/// A shop with a stable version 1.0.0 and a candidate 1.1.0, and a policy.
pub(crate) fn shop(runtime: &Runtime, policy: &str) -> String {
    format!(
        "kind: Service
metadata: {{ name: shop }}
spec:
  routes: [ {{ host: shop.example.com }} ]
  reveal: always
  versions:
    - {{ name: 1.0.0, endpoints: [ '{}' ] }}
    - {{ name: 1.1.0, endpoints: [ '{}' ] }}
---
{policy}",
        endpoint(runtime),
        endpoint(runtime)
    )
}
