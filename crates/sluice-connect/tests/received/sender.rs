//! A real sender: OpenTelemetry's SDK for Python.

use std::path::PathBuf;
use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::world::{World, in_time};

/// How a sender sends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manner {
    pub(crate) how: &'static str,
    pub(crate) temporality: &'static str,
    pub(crate) histograms: &'static str,
}

/// A process that runs until it is dropped.
pub(crate) struct Sender {
    _process: Child,
    told: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Sender {
    /// Starts one for a version of the service `shop`.
    pub(crate) fn start(world: &World, manner: Manner, version: &str) -> Sender {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let python = folder.join("../../target/tools/opentelemetry/bin/python");
        assert!(python.exists(), "OpenTelemetry's SDK is not installed: run `make opentelemetry` first");
        let place = match manner.how {
            "grpc" => format!("http://{}", world.grpc),
            _ => format!("http://{}/v1/metrics", world.http),
        };
        let resource = format!("service.version={version},deployment.environment.name=production");
        let mut process = Command::new(python)
            .arg(folder.join("tests/received/sender.py"))
            .args([manner.how, &place, manner.temporality, manner.histograms])
            .env("OTEL_SERVICE_NAME", "shop")
            .env("OTEL_RESOURCE_ATTRIBUTES", resource)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let told = process.stdin.take().unwrap();
        let answers = BufReader::new(process.stdout.take().unwrap()).lines();
        Sender { _process: process, told, answers }
    }

    /// Tells it what to count, and waits until that has been sent.
    pub(crate) async fn send(&mut self, what: &Value) {
        self.told.write_all(format!("{what}\n").as_bytes()).await.unwrap();
        let answer = in_time("the sender", self.answers.next_line()).await.unwrap();
        assert_eq!(answer.as_deref(), Some("sent"), "the SDK could not send; its errors are above");
    }
}
