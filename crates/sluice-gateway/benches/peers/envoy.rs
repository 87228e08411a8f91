//! What Envoy is told.

use std::net::SocketAddr;
use std::path::Path;

use serde_json::{Value, json};

fn address(address: SocketAddr) -> Value {
    json!({ "socket_address": { "address": address.ip().to_string(), "port_value": address.port() } })
}

/// The configuration, which is JSON.
pub(crate) fn configuration(
    plain: SocketAddr,
    tls: SocketAddr,
    endpoints: [SocketAddr; 2],
    certificates: &Path,
) -> String {
    let file = |name: &str| json!({ "filename": certificates.join(name) });
    let secure = json!({
        "name": "tls",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
            "common_tls_context": {
                "alpn_protocols": ["h2", "http/1.1"],
                "tls_certificates": [{ "certificate_chain": file("shop.pem"), "private_key": file("shop.key") }],
            },
        },
    });
    let listener = |name: &str, at: SocketAddr, socket: Option<Value>| {
        let mut chain = json!({ "filters": [manager()] });
        if let Some(socket) = socket {
            chain["transport_socket"] = socket;
        }
        json!({ "name": name, "address": address(at), "filter_chains": [chain], "enable_reuse_port": true })
    };
    let [v1, v2] = endpoints;
    json!({
        "static_resources": {
            "listeners": [listener("plain", plain, None), listener("tls", tls, Some(secure))],
            "clusters": [cluster("v1", v1), cluster("v2", v2)],
        },
    })
    .to_string()
}

fn manager() -> Value {
    let sticky = json!([{ "header": { "header_name": "x-user" } }]);
    let beta = json!([{ "name": "x-segment", "string_match": { "exact": "beta" } }]);
    json!({
        "name": "http",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": "visitors",
            "codec_type": "AUTO",
            "use_remote_address": true,
            "generate_request_id": false,
            "http_filters": [{
                "name": "router",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router",
                    "suppress_envoy_headers": true,
                },
            }],
            "route_config": { "virtual_hosts": [{ "name": "shop", "domains": ["*"], "routes": [
                { "match": { "prefix": "/", "headers": beta }, "route": { "cluster": "v2" } },
                { "match": { "prefix": "/" }, "route": {
                    "hash_policy": sticky,
                    "weighted_clusters": { "use_hash_policy": true, "clusters": [
                        { "name": "v1", "weight": 90 }, { "name": "v2", "weight": 10 },
                    ] },
                } },
            ] }] },
        },
    })
}

fn cluster(name: &str, at: SocketAddr) -> Value {
    let many = json!({ "max_connections": 8192, "max_pending_requests": 8192, "max_requests": 8192 });
    json!({
        "name": name,
        "type": "STATIC",
        "connect_timeout": "5s",
        "circuit_breakers": { "thresholds": [many] },
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{ "lb_endpoints": [{ "endpoint": { "address": address(at) } }] }],
        },
    })
}
