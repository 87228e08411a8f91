//! Commands that run for long: the server and the demo.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use sluice_core::document::service::PathPrefix;
use sluice_core::network::Network;
use sluice_core::{Span, VersionName};

use super::observing::ObservingArgs;

/// Options of `sluice serve`.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// The folder that holds all state; made when it does not exist
    #[arg(long, env = "SLUICE_DATA", value_name = "DIR", default_value = "sluice-data")]
    pub(crate) data: PathBuf,
    /// Where the dashboard and the API listen: a loopback address, because there is no sign-in yet
    #[arg(long, env = "SLUICE_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1:7070")]
    pub(crate) listen: String,
    /// Where visitors come in
    #[arg(long, env = "SLUICE_GATEWAY", value_name = "ADDRESS", default_value = "0.0.0.0:8080")]
    pub(crate) gateway: String,

    /// Where visitors connect with TLS, which speaks HTTP/2 and HTTP/1.1
    #[arg(long, env = "SLUICE_GATEWAY_TLS", value_name = "ADDRESS", requires = "certificates")]
    pub(crate) gateway_tls: Option<String>,

    /// Folder of certificates: NAME.pem with the chain, and its key in the same file or in NAME.key; read again when it changes
    #[arg(long, env = "SLUICE_CERTIFICATES", value_name = "FOLDER", requires = "gateway_tls")]
    pub(crate) certificates: Option<std::path::PathBuf>,

    /// Every connection of a visitor begins with a PROXY header, version 1 or 2, of the load balancer in front; others are closed
    #[arg(long, env = "SLUICE_PROXY_PROTOCOL")]
    pub(crate) proxy_protocol: bool,
    /// Send every request through the general HTTP library, plain ones too: slower, and otherwise the same
    #[arg(long, env = "SLUICE_NO_FAST_PATH")]
    pub(crate) no_fast_path: bool,
    /// A path that the gateway answers by itself for load balancers in front: 200 while it serves, 503 when it is about to
    /// stop, as /sluice-ready
    #[arg(long, env = "SLUICE_READY_PATH", value_name = "PATH")]
    pub(crate) ready_path: Option<PathPrefix>,
    /// How long the gateway serves on when it was asked to stop, so that load balancers learn of it first
    #[arg(long, env = "SLUICE_SHUTDOWN_DELAY", value_name = "SPAN", default_value = "0s")]
    pub(crate) shutdown_delay: Span,
    #[command(flatten)]
    pub(crate) visitors: VisitorArgs,
    /// What is told of visitors' requests.
    #[command(flatten)]
    pub(crate) observing: ObservingArgs,
    /// How many threads carry traffic; one for each core when absent
    #[arg(long, env = "SLUICE_WORKERS", value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) workers: Option<u16>,
    /// Where Prometheus is, for metrics that do not say: http://prometheus:9090
    #[arg(long, env = "SLUICE_PROMETHEUS_URL", value_name = "URL")]
    pub(crate) prometheus: Option<String>,
    /// Takes metrics by OTLP over gRPC there, as 127.0.0.1:4317; over HTTP they come to the API's address
    #[arg(long, env = "SLUICE_OTLP_GRPC", value_name = "ADDRESS")]
    pub(crate) otlp_grpc: Option<SocketAddr>,
    /// How much room what was measured may take on the disk, in megabytes
    #[arg(
        long,
        env = "SLUICE_HISTORY_SIZE",
        value_name = "MB",
        default_value_t = 512,
        value_parser = clap::value_parser!(u64).range(16..)
    )]
    pub(crate) history_size: u64,
    /// What to log, to standard error: error, warn, info, debug or trace, also by module as in
    /// `info,sluice_gateway=debug`
    #[arg(long, env = "SLUICE_LOG", value_name = "FILTER", default_value = "info")]
    pub(crate) log: String,
    /// How to log: text or json
    #[arg(
        long,
        env = "SLUICE_LOG_FORMAT",
        value_enum,
        value_name = "FORMAT",
        default_value_t,
        hide_possible_values = true
    )]
    pub(crate) log_format: LogFormat,
    /// Stops when standard input closes, for programs that start a server and may die before it
    #[arg(long, hide = true)]
    pub(crate) stop_with_stdin: bool,
}

/// What is known of visitors besides their requests; docs/segments.md tells of it.
#[derive(Debug, Args)]
pub(crate) struct VisitorArgs {
    /// Proxies in front that are believed when they say whom they forward: networks, as 10.0.0.0/8,fd00::/8. What others
    /// say of it is taken off
    #[arg(long, env = "SLUICE_TRUSTED_PROXIES", value_name = "NETWORKS", value_delimiter = ',')]
    pub(crate) trusted_proxies: Vec<Network>,
    /// Who issues visitors' tokens (JWT): what stands in `iss`
    #[arg(long, env = "SLUICE_TOKEN_ISSUER", value_name = "ISSUER", requires = "token_keys")]
    pub(crate) token_issuer: Option<String>,
    /// The issuer's keys (JWKS): an address, asked every five minutes, or a file
    #[arg(long, env = "SLUICE_TOKEN_KEYS", value_name = "URL|FILE", requires = "token_issuer")]
    pub(crate) token_keys: Option<String>,
    /// Whom tokens must be for: what stands in `aud`
    #[arg(long, env = "SLUICE_TOKEN_AUDIENCE", value_name = "AUDIENCE", requires = "token_issuer")]
    pub(crate) token_audience: Option<String>,
    /// The cookie that tokens come in; the header `Authorization: Bearer` when absent
    #[arg(long, env = "SLUICE_TOKEN_COOKIE", value_name = "NAME", requires = "token_issuer")]
    pub(crate) token_cookie: Option<String>,
    /// A file of MaxMind's format that tells the countries of addresses; read again when it changes
    #[arg(long, env = "SLUICE_COUNTRIES", value_name = "FILE")]
    pub(crate) countries: Option<PathBuf>,
    /// A folder of lists: NAME.txt, an id to a line; read again when it changes
    #[arg(long, env = "SLUICE_LISTS", value_name = "FOLDER")]
    pub(crate) lists: Option<PathBuf>,
}

/// How to log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For programs: one object a line.
    Json,
}

/// Options of `sluice demo`.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Leaves everything running afterwards, until Ctrl-C
    #[arg(long)]
    pub(crate) keep: bool,
    /// Takes free ports instead of 7070 and 8080
    #[arg(long)]
    pub(crate) free_ports: bool,
}

/// Options of `sluice demo-endpoint`.
#[derive(Debug, Args)]
pub(crate) struct EndpointArgs {
    /// Where to listen
    #[arg(long, default_value = "127.0.0.1:0")]
    pub(crate) listen: std::net::SocketAddr,
    /// Which version it says it is
    #[arg(long)]
    pub(crate) version: VersionName,
    /// How many of a hundred requests it fails
    #[arg(long, default_value_t = 0.0)]
    pub(crate) error_percent: f64,
    /// How long it takes to answer, in milliseconds
    #[arg(long, default_value_t = 0)]
    pub(crate) slow_ms: u64,
}
