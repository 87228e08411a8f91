//! What tests are made of: the binary in an empty environment, a server, builds of a service, and visitors.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// The longest that anything may take: far beyond what it takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// The binary, in an environment that is the same everywhere.
pub(crate) fn sluice(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sluice"));
    command.args(arguments).env_clear().env("COLUMNS", "100").env("USER", "ada").stdin(Stdio::null());
    command
}

/// How a command ended.
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// Its standard output as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.shown()))
    }

    /// All of it, for snapshots.
    pub(crate) fn shown(&self) -> String {
        let mut text = format!("exit code {}\n", self.code);
        for (name, said) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !said.is_empty() {
                text.push_str(&format!("--- {name}\n{said}"));
            }
        }
        text
    }
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command) -> Ended {
    let output = command.output().unwrap();
    Ended {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A child that is killed when the test is over.
pub(crate) struct Running {
    pub(crate) child: Child,
    said: BufReader<ChildStdout>,
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Running {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let said = BufReader::new(child.stdout.take().unwrap());
        Running { child, said }
    }

    /// The rest of the first line that begins with `label`.
    pub(crate) fn line(&mut self, label: &str) -> String {
        let text = self.through(|line| line.starts_with(label));
        text.lines().last().unwrap()[label.len()..].trim().to_owned()
    }

    /// What it says, through the first line that is meant.
    pub(crate) fn through(&mut self, is_meant: impl Fn(&str) -> bool) -> String {
        let mut text = String::new();
        loop {
            let before = text.len();
            let read = self.said.read_line(&mut text).unwrap();
            assert!(read > 0, "it ended without saying so ({:?}): {text}", self.child.wait());
            if is_meant(&text[before..]) {
                return text;
            }
        }
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// The exit code, once it has ended by itself.
    pub(crate) fn code(&mut self) -> i32 {
        until("it has ended", || self.child.try_wait().unwrap()).code().unwrap_or(-1)
    }

    /// What else it says until its end.
    pub(crate) fn rest(&mut self) -> String {
        let mut text = String::new();
        self.said.read_to_string(&mut text).unwrap();
        text
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Waits until something is there.
pub(crate) fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A server with its data in a folder that outlives it.
pub(crate) struct Server {
    pub(crate) running: Running,
    pub(crate) address: String,
    pub(crate) gateway: String,
}

impl Server {
    pub(crate) fn start(data: &TempDir) -> Server {
        Server::start_at(data, "127.0.0.1:0", "127.0.0.1:0")
    }

    pub(crate) fn start_at(data: &TempDir, listen: &str, gateway: &str) -> Server {
        Server::start_with(data, listen, gateway, &[])
    }

    pub(crate) fn start_with(data: &TempDir, listen: &str, gateway: &str, more: &[&str]) -> Server {
        let data = data.path().join("data");
        let options = ["serve", "--listen", listen, "--gateway", gateway, "--log", "warn", "--data"];
        let mut running = Running::start(sluice(&options).arg(data).args(more));
        let address = running.line("dashboard");
        let gateway = running.line("gateway");
        let ready = format!("{address}/readyz");
        until("both serve", || ureq::get(&ready).call().ok());
        Server { running, address, gateway }
    }

    /// A command that asks this server.
    pub(crate) fn sluice(&self, arguments: &[&str]) -> Command {
        let mut command = sluice(arguments);
        command.env("SLUICE_URL", &self.address);
        command
    }

    /// Runs such a command.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        run(&mut self.sluice(arguments))
    }

    /// Applies documents.
    pub(crate) fn apply(&self, documents: &str) -> Ended {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("documents.yaml");
        std::fs::write(&file, documents).unwrap();
        run(self.sluice(&["apply", "-f", "documents.yaml"]).current_dir(folder.path()))
    }

    /// The status of a release.
    pub(crate) fn status(&self, release: &str) -> Value {
        self.run(&["release", "status", release, "-o", "json"]).json()["status"].clone()
    }
}

/// A build of a service: a real HTTP server.
pub(crate) struct Build {
    _running: Running,
    pub(crate) address: String,
}

impl Build {
    pub(crate) fn start(version: &str, error_percent: &str) -> Build {
        let mut command = sluice(&["demo-endpoint", "--version", version, "--error-percent", error_percent]);
        let mut running = Running::start(command.stdin(Stdio::piped()));
        let address = running.line("endpoint");
        Build { _running: running, address }
    }
}

/// A service with two builds, and a policy in a hurry.
pub(crate) fn documents(stable: &Build, candidate: &Build) -> String {
    format!(
        "kind: Service
metadata: {{ name: checkout }}
spec:
  routes: [ {{ path: / }} ]
  health: {{ every: 200ms }}
  reveal: always
  versions:
    - {{ name: 2.0.3, endpoints: [ \"{}\" ] }}
    - {{ name: 2.1.0, endpoints: [ \"{}\" ] }}
---
kind: Policy
metadata: {{ name: quick }}
spec:
  steps:
    - {{ name: half, audience: [ {{ percent: 50 }} ], hold: {{ requests: 40 }} }}
    - {{ name: all, audience: [ {{ percent: 100 }} ], hold: {{ requests: 40 }} }}
  checks:
    - {{ metric: http.errors, max: 20%, sample: 10 }}
  keepPrevious: 1h
",
        stable.address, candidate.address
    )
}

/// People who visit a gateway until this is dropped. The first has been answered when they have started.
pub(crate) struct Visitors {
    gateway: String,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Visitors {
    pub(crate) fn start(gateway: &str) -> Visitors {
        let (answered, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let threads = (0..2)
            .map(|number| {
                let (gateway, answered, stop) =
                    (gateway.to_owned(), Arc::clone(&answered), Arc::clone(&stop));
                std::thread::spawn(move || {
                    let agent: ureq::Agent =
                        ureq::Agent::config_builder().http_status_as_error(false).proxy(None).build().into();
                    for turn in (0..50).cycle() {
                        if stop.load(Ordering::Relaxed) {
                            break;
                        }
                        let request =
                            agent.get(&gateway).header("x-user-id", format!("visitor-{number}-{turn}"));
                        match request.call() {
                            Ok(mut response) => {
                                drop(response.body_mut().read_to_string());
                                answered.fetch_add(u64::from(response.status() == 200), Ordering::Relaxed);
                            }
                            // The gateway is away. A pace, not a synchronisation.
                            Err(_) => std::thread::sleep(Duration::from_millis(20)),
                        }
                        std::thread::sleep(Duration::from_millis(5));
                    }
                })
            })
            .collect();
        let visitors = Visitors { gateway: gateway.to_owned(), stop, threads };
        until("somebody is answered", || (answered.load(Ordering::Relaxed) > 0).then_some(()));
        visitors
    }

    /// Which version a visitor gets.
    pub(crate) fn version_of(&self, visitor: &str) -> Option<String> {
        let response = ureq::get(&self.gateway).header("x-user-id", visitor).call().ok()?;
        Some(response.headers().get("x-sluice-version")?.to_str().ok()?.to_owned())
    }
}

impl Drop for Visitors {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            drop(thread.join());
        }
    }
}
