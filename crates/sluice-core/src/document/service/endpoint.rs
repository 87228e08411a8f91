//! Where a copy of a version listens, and what is spoken there.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{InvalidText, invalid};

/// Where one copy of a version listens, and what it speaks: `http://127.0.0.1:9001`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Endpoint {
    speaks: Speaks,
    place: Place,
}

/// What an endpoint speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Speaks {
    /// `http://`: HTTP/1.1.
    Http1,
    /// `h2c://`: HTTP/2 without TLS, known beforehand, as servers of gRPC do.
    Http2,
    /// `https://`: TLS, with HTTP/2 or HTTP/1.1 in it, as the endpoint prefers.
    Tls,
}

/// Where an endpoint listens.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// On a port of a host.
    Port {
        /// A host name or address; an IPv6 address is without brackets.
        host: String,
        /// The port.
        port: u16,
    },
    /// On a Unix socket, at this absolute path.
    Socket(String),
}

const WHAT: &str = "an endpoint";
/// What the system takes as the path of a socket, with the zero at its end (Linux: 108; macOS: 104).
const SOCKET_BYTES_MAX: usize = 103;

impl Endpoint {
    /// What it speaks.
    pub fn speaks(&self) -> Speaks {
        self.speaks
    }

    /// Where it listens.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// As requests name it when nothing else does: `host:port`, with brackets where IPv6 needs them; `localhost` for a
    /// socket.
    pub fn authority(&self) -> String {
        match &self.place {
            Place::Port { host, port } if host.contains(':') => format!("[{host}]:{port}"),
            Place::Port { host, port } => format!("{host}:{port}"),
            Place::Socket(_) => "localhost".to_owned(),
        }
    }
}

impl Speaks {
    fn scheme(self) -> &'static str {
        match self {
            Speaks::Http1 => "http",
            Speaks::Http2 => "h2c",
            Speaks::Tls => "https",
        }
    }

    /// The port when none is written.
    fn usual_port(self) -> u16 {
        match self {
            Speaks::Http1 | Speaks::Http2 => 80,
            Speaks::Tls => 443,
        }
    }
}

impl FromStr for Endpoint {
    type Err = InvalidText;

    fn from_str(text: &str) -> Result<Self, InvalidText> {
        const FORMS: &str = "write it as http://127.0.0.1:9001 (HTTP/1.1), h2c://127.0.0.1:9001 (HTTP/2, gRPC), \
                             https://api.internal:8443 (TLS), unix:/run/app.sock or h2c+unix:/run/app.sock (a socket)";
        for (prefix, speaks) in [("unix:", Speaks::Http1), ("h2c+unix:", Speaks::Http2)] {
            if let Some(path) = text.strip_prefix(prefix) {
                return Ok(Endpoint { speaks, place: socket(text, path)? });
            }
        }
        let Some((scheme, rest)) = text.split_once("://") else { return Err(invalid(text, WHAT, FORMS)) };
        let speaks = [Speaks::Http1, Speaks::Http2, Speaks::Tls]
            .into_iter()
            .find(|speaks| speaks.scheme() == scheme)
            .ok_or_else(|| invalid(text, WHAT, FORMS))?;
        Ok(Endpoint { speaks, place: port(text, rest, speaks)? })
    }
}

fn socket(text: &str, path: &str) -> Result<Place, InvalidText> {
    if !path.starts_with('/') || path.starts_with("//") || path.ends_with('/') {
        return Err(invalid(text, WHAT, "a socket is an absolute path, as unix:/run/app.sock"));
    }
    if path.len() > SOCKET_BYTES_MAX {
        return Err(invalid(text, WHAT, "the path of a socket has at most 103 bytes"));
    }
    if path.bytes().any(|byte| byte.is_ascii_control()) {
        return Err(invalid(text, WHAT, "the path of a socket has no control characters"));
    }
    Ok(Place::Socket(path.to_owned()))
}

fn port(text: &str, rest: &str, speaks: Speaks) -> Result<Place, InvalidText> {
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    if authority.contains(['/', '?', '#', '@']) {
        return Err(invalid(text, WHAT, "it is a host and a port, without a path, query or user"));
    }
    let (host, port) = match authority.strip_prefix('[').and_then(|v6| v6.split_once(']')) {
        Some((host, port)) => {
            let is_v6 = host.parse::<std::net::Ipv6Addr>().is_ok();
            // What follows the bracket and is no port makes none.
            (if is_v6 { host } else { "" }, (!port.is_empty()).then(|| port.strip_prefix(':').unwrap_or("")))
        }
        None => match authority.rsplit_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
    let is_host = !host.is_empty() && (host.bytes().all(plain) || host.parse::<std::net::Ipv6Addr>().is_ok());
    if !is_host {
        return Err(invalid(text, WHAT, "the host is missing or malformed"));
    }
    let number = port.map_or(Some(speaks.usual_port()), |port| port.parse().ok());
    match number {
        Some(port) if port > 0 => Ok(Place::Port { host: host.to_ascii_lowercase(), port }),
        _ => Err(invalid(text, WHAT, "the port is not a number from 1 to 65535")),
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.place, self.speaks) {
            (Place::Port { .. }, speaks) => write!(f, "{}://{}", speaks.scheme(), self.authority()),
            (Place::Socket(path), Speaks::Http1) => write!(f, "unix:{path}"),
            (Place::Socket(path), speaks) => write!(f, "{}+unix:{path}", speaks.scheme()),
        }
    }
}

through_text!(Endpoint);

text_schema!(Endpoint, r"^((https?|h2c)://[^/?#@]+/?|(h2c\+)?unix:/[^/].*)$", "http://127.0.0.1:9001");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read_and_written_alike() {
        for (text, written) in [
            ("http://127.0.0.1:9001", "http://127.0.0.1:9001"),
            ("http://Shop/", "http://shop:80"),
            ("http://[::1]:9001", "http://[::1]:9001"),
            ("http://[::1]", "http://[::1]:80"),
            ("h2c://[::1]:50051", "h2c://[::1]:50051"),
            ("https://api.internal", "https://api.internal:443"),
            ("unix:/run/app.sock", "unix:/run/app.sock"),
            ("h2c+unix:/run/app.sock", "h2c+unix:/run/app.sock"),
        ] {
            let endpoint: Endpoint = text.parse().unwrap();
            assert_eq!(endpoint.to_string(), written);
            assert_eq!(written.parse::<Endpoint>().unwrap(), endpoint);
        }
    }

    #[test]
    fn what_names_no_place_is_refused() {
        let long = format!("unix:/{}", "x".repeat(103));
        for text in [
            "127.0.0.1:9001",
            "ftp://h:1",
            "tcp://h:1",
            "http://",
            "http://h:0",
            "http://h:65536",
            "http://h/x",
            "https://user@h",
            "http://[::1]9001",
            "http://[1]:80",
            "unix:run/app.sock",
            "unix:///run/app.sock",
            "unix:/run/",
            "https+unix:/run/app.sock",
            "unix:/run/a\nb",
            &long,
        ] {
            assert!(text.parse::<Endpoint>().is_err(), "{text}");
        }
    }
}
