//! What others measure: sources that are asked, and programs that hand in.

use std::net::SocketAddr;
use std::sync::Arc;

use sluice_connect::{
    Alerts, Inbox, InboxOptions, OutsideSources, SourceOptions, receivers, serve_otlp_grpc,
};
use sluice_engine::port::Clock;
use tokio::net::TcpListener;

use super::config;
use crate::args::ServeArgs;
use crate::outcome::{Exit, Failure};

/// The file in the data folder that keeps which alerts are firing.
const ALERTS_FILE: &str = "alerts.json";

/// What others measure.
pub(super) struct Measured {
    /// Sources that are asked.
    pub(super) sources: OutsideSources,
    /// Where programs hand in, on the port of the API.
    pub(super) receivers: axum::Router,
    /// Where they hand in over gRPC.
    pub(super) otlp: Option<Otlp>,
}

/// A port at which metrics come in over gRPC.
pub(super) struct Otlp {
    listener: TcpListener,
    inbox: Arc<Inbox>,
}

impl Measured {
    /// Makes everything ready and listens; nothing is asked yet.
    pub(super) async fn open(args: &ServeArgs, clock: Arc<dyn Clock>) -> Result<Measured, Failure> {
        let inbox = Arc::new(Inbox::new(InboxOptions::default(), Arc::clone(&clock)));
        let alerts = Alerts::kept_in(args.data.join(ALERTS_FILE), clock).map_err(|error| config(&error))?;
        let alerts = Arc::new(alerts);
        let sources = OutsideSources::new(SourceOptions {
            read_variable: Box::new(|name| std::env::var_os(name)),
            extra_roots: Vec::new(),
            prometheus_url: args.prometheus.clone(),
        })
        .map_err(|error| config(&error))?
        .receiving(Arc::clone(&inbox), Arc::clone(&alerts));
        let otlp = match args.otlp_grpc {
            Some(address) => Some(Otlp { listener: listen(address).await?, inbox: Arc::clone(&inbox) }),
            None => None,
        };
        Ok(Measured { sources, receivers: receivers(inbox, alerts), otlp })
    }
}

impl Otlp {
    /// Takes metrics until it is dropped.
    pub(super) async fn serve(self) {
        if let Err(error) = serve_otlp_grpc(self.listener, self.inbox, std::future::pending()).await {
            tracing::error!(%error, "Metrics are no longer taken over gRPC");
        }
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    if !address.ip().is_loopback() {
        let text = format!(
            "--otlp-grpc {address} is not a loopback address, and whoever reached it could make a bad version look good: \
             listen on 127.0.0.1:{} and let a collector on this machine send there",
            address.port()
        );
        return Err(Failure::new(Exit::Configuration, text));
    }
    TcpListener::bind(address).await.map_err(|error| {
        let text = format!("--otlp-grpc: cannot listen on {address}");
        Failure::new(Exit::Configuration, text).because(&error)
    })
}
