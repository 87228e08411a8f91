//! The addresses to listen on.

use std::net::SocketAddr;

use crate::outcome::{Exit, Failure};

/// Where a server listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Addresses {
    /// The dashboard and the API.
    pub(crate) control: SocketAddr,
    /// Visitors.
    pub(crate) gateway: SocketAddr,
    /// Visitors with TLS.
    pub(crate) gateway_tls: Option<SocketAddr>,
}

impl Addresses {
    /// Reads all.
    ///
    /// # Errors
    /// When one is no address, the control plane's is not a loopback address, or both are the same.
    pub(crate) fn parse(
        listen: &str,
        gateway: &str,
        gateway_tls: Option<&str>,
    ) -> Result<Addresses, Failure> {
        let control = parse("--listen", listen, "127.0.0.1:7070")?;
        let gateway = parse("--gateway", gateway, "0.0.0.0:8080")?;
        if !control.ip().is_loopback() {
            return Err(not_loopback(control));
        }
        let is_shared_ip = control.ip() == gateway.ip() || gateway.ip().is_unspecified();
        if is_shared_ip && control.port() == gateway.port() && control.port() != 0 {
            return Err(Failure::new(
                Exit::Configuration,
                format!("--listen {control} and --gateway {gateway} are the same port"),
            )
            .hint("give each its own port"));
        }
        let gateway_tls = gateway_tls.map(|text| parse("--gateway-tls", text, "0.0.0.0:8443")).transpose()?;
        if let Some(tls) = gateway_tls
            && tls.port() != 0
            && (tls.port() == gateway.port() || tls.port() == control.port())
        {
            return Err(Failure::new(
                Exit::Configuration,
                format!("--gateway-tls {tls}: its port is taken already"),
            )
            .hint("give plain HTTP, TLS and the dashboard a port each"));
        }
        Ok(Addresses { control, gateway, gateway_tls })
    }
}

fn parse(option: &str, text: &str, example: &str) -> Result<SocketAddr, Failure> {
    // The one name that is the same on every machine.
    let numeric = match text.strip_prefix("localhost:") {
        Some(port) => format!("127.0.0.1:{port}"),
        None => text.to_owned(),
    };
    numeric.parse().map_err(|_| {
        Failure::new(Exit::Configuration, format!("{option} {text} is not an address"))
            .hint(format!("write it as an IP address and a port: {option} {example}"))
    })
}

/// The failure for an address that others could reach.
pub(crate) fn not_loopback(address: SocketAddr) -> Failure {
    let port = address.port();
    Failure::new(Exit::Configuration, format!("--listen {address} is not a loopback address"))
        .hint("there is no sign-in yet: whoever reached it could release anything")
        .hint(format!(
            "listen on 127.0.0.1:{port} and reach it through a tunnel: ssh -L {port}:127.0.0.1:{port} THIS-MACHINE"
        ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_addresses_are_taken_for_the_control_plane() {
        for listen in ["127.0.0.1:7070", "localhost:7070", "[::1]:7070", "127.0.0.1:0"] {
            assert!(Addresses::parse(listen, "0.0.0.0:8080", None).is_ok(), "{listen} was refused");
        }
        for listen in ["0.0.0.0:7070", "192.168.1.1:7070", "7070", "example.com:80", "127.0.0.1:99999"] {
            let failure = Addresses::parse(listen, "0.0.0.0:8080", None).unwrap_err();
            assert_eq!(failure.exit(), Exit::Configuration, "{listen}");
        }
    }

    #[test]
    fn both_cannot_listen_on_one_port() {
        assert!(Addresses::parse("127.0.0.1:7070", "0.0.0.0:7070", None).is_err());
        assert!(Addresses::parse("127.0.0.1:0", "127.0.0.1:0", None).is_ok());
        assert!(Addresses::parse("127.0.0.1:7070", "0.0.0.0:8080", Some("0.0.0.0:8080")).is_err());
        assert!(Addresses::parse("127.0.0.1:7070", "0.0.0.0:8080", Some("0.0.0.0:8443")).is_ok());
    }
}
