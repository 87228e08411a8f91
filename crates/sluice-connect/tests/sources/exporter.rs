//! A program that tells its metrics: in the text format, and native histograms in protobuf.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;

/// What is told at the next scrape.
#[derive(Clone, Default)]
pub(crate) struct Told {
    pub(crate) text: String,
    /// For each version, a native histogram's bucket counts; bucket `i` ends at 2^(i/8).
    pub(crate) native: Vec<(&'static str, Vec<i64>)>,
}

#[derive(Clone)]
pub(crate) struct Exporter {
    told: Arc<Mutex<Told>>,
    pub(crate) address: String,
}

impl Exporter {
    pub(crate) async fn start() -> Exporter {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let exporter = Exporter { told: Arc::default(), address };
        let routes = Router::new()
            .route(
                "/metrics",
                get(|State(told): State<Arc<Mutex<Told>>>| async move { told.lock().unwrap().text.clone() }),
            )
            .route("/native", get(native))
            .with_state(Arc::clone(&exporter.told));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        exporter
    }

    pub(crate) fn tell(&self, text: impl Into<String>) {
        self.told.lock().unwrap().text = text.into();
    }

    pub(crate) fn tell_native(&self, native: Vec<(&'static str, Vec<i64>)>) {
        self.told.lock().unwrap().native = native;
    }
}

async fn native(State(told): State<Arc<Mutex<Told>>>) -> impl IntoResponse {
    let mut family = Proto::default();
    family.bytes(1, b"checkout_seconds").bytes(2, b"help").number(3, 4);
    for (version, counts) in &told.lock().unwrap().native {
        let mut label = Proto::default();
        label.bytes(1, b"version").bytes(2, version.as_bytes());
        let mut span = Proto::default();
        span.number(1, 0).number(2, counts.len() as u64);
        let mut histogram = Proto::default();
        // Schema 3: eight buckets for each doubling. Signed numbers are written in zigzag.
        histogram.number(1, counts.iter().sum::<i64>().unsigned_abs()).double(2, 1.0).number(5, 6);
        histogram.double(6, 1e-9).number(7, 0).bytes(12, &span.0);
        let mut before = 0;
        for count in counts {
            let delta = count - before;
            histogram.number(13, ((delta << 1) ^ (delta >> 63)).cast_unsigned());
            before = *count;
        }
        let mut metric = Proto::default();
        metric.bytes(1, &label.0).bytes(7, &histogram.0);
        family.bytes(4, &metric.0);
    }
    let mut message = Proto::default();
    message.varint(family.0.len() as u64);
    message.0.extend(family.0);
    let kind = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";
    ([(CONTENT_TYPE, kind)], message.0)
}

/// Protocol buffers, as far as they are needed to write `io.prometheus.client.MetricFamily`.
#[derive(Default)]
struct Proto(Vec<u8>);

impl Proto {
    fn varint(&mut self, mut number: u64) -> &mut Proto {
        while number > 0x7f {
            self.0.push((number & 0x7f) as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
        self
    }

    fn number(&mut self, field: u64, number: u64) -> &mut Proto {
        self.varint(field << 3).varint(number)
    }

    fn double(&mut self, field: u64, number: f64) -> &mut Proto {
        self.varint(field << 3 | 1).0.extend(number.to_le_bytes());
        self
    }

    fn bytes(&mut self, field: u64, bytes: &[u8]) -> &mut Proto {
        self.varint(field << 3 | 2).varint(bytes.len() as u64).0.extend(bytes);
        self
    }
}
