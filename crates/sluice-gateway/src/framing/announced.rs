//! Who a connection comes from, as a load balancer in front says it: the PROXY protocol, versions 1 and 2
//! (<https://www.haproxy.org/download/1.8/doc/proxy-protocol.txt>).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What the first version ends with, at most this many bytes in.
const TEXT_BYTES_MAX: usize = 107;
/// What the second version begins with.
const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// Signature, command, family and length.
const BINARY_HEAD: usize = 16;
/// What the balancer may add about the connection: certificates of clients are the longest of it.
const BINARY_REST_MAX: usize = 4096;

/// What stands before the first request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Announced {
    /// How many bytes it took.
    pub length: usize,
    /// The visitor's address; none when the balancer speaks for itself, as it does to check health.
    pub visitor: Option<IpAddr>,
}

/// Reads the header; `None` until there is enough of it.
///
/// # Errors
/// When this is none. What such a connection brings cannot be trusted.
pub fn read_announced(bytes: &[u8]) -> Result<Option<Announced>, &'static str> {
    let is_begun = |start: &[u8]| bytes.iter().zip(start).all(|(byte, wanted)| byte == wanted);
    if is_begun(&SIGNATURE) {
        return if bytes.len() < BINARY_HEAD { Ok(None) } else { read_binary(bytes) };
    }
    if !is_begun(b"PROXY ") {
        return Err("it begins with no PROXY header");
    }
    let within = &bytes[..bytes.len().min(TEXT_BYTES_MAX)];
    match within.windows(2).position(|pair| pair == b"\r\n") {
        Some(end) => read_text(&within[..end]).map(|visitor| Some(Announced { length: end + 2, visitor })),
        None if bytes.len() >= TEXT_BYTES_MAX => Err("its PROXY header does not end"),
        None => Ok(None),
    }
}

fn read_text(line: &[u8]) -> Result<Option<IpAddr>, &'static str> {
    let line = std::str::from_utf8(line).map_err(|_| "its PROXY header is no text")?;
    let fields: Vec<&str> = line.split(' ').collect();
    let is_port = |text: &str| text.parse::<u16>().is_ok();
    match fields[..] {
        ["PROXY", "UNKNOWN", ..] => Ok(None),
        ["PROXY", family, source, target, from, to] if is_port(from) && is_port(to) => {
            let addresses = (source.parse::<IpAddr>(), target.parse::<IpAddr>());
            match (family, addresses) {
                ("TCP4", (Ok(source @ IpAddr::V4(_)), Ok(IpAddr::V4(_)))) => Ok(Some(source)),
                ("TCP6", (Ok(source @ IpAddr::V6(_)), Ok(IpAddr::V6(_)))) => Ok(Some(source)),
                _ => Err("its PROXY header names no pair of addresses"),
            }
        }
        _ => Err("its PROXY header has not the fields it should"),
    }
}

fn read_binary(bytes: &[u8]) -> Result<Option<Announced>, &'static str> {
    let (command, family) = (bytes[12], bytes[13]);
    let rest = usize::from(u16::from_be_bytes([bytes[14], bytes[15]]));
    if rest > BINARY_REST_MAX {
        return Err("its PROXY header is too long");
    }
    let length = BINARY_HEAD + rest;
    let is_local = match command {
        0x20 => true,
        0x21 => false,
        _ => return Err("its PROXY header has a version or command that is not known"),
    };
    let Some(addresses) = bytes.get(BINARY_HEAD..length) else { return Ok(None) };
    let visitor = match (is_local, family >> 4) {
        // Unknown families and Unix sockets say nothing that could be an address.
        (true, _) | (false, 0 | 3) => None,
        (false, 1) => Some(IpAddr::V4(Ipv4Addr::from(source::<4>(addresses, 12)?))),
        (false, 2) => Some(IpAddr::V6(Ipv6Addr::from(source::<16>(addresses, 36)?))),
        _ => return Err("its PROXY header has a family that is not known"),
    };
    Ok(Some(Announced { length, visitor }))
}

/// The source, which comes first of what takes `needed` bytes.
fn source<const N: usize>(addresses: &[u8], needed: usize) -> Result<[u8; N], &'static str> {
    let source = addresses.first_chunk::<N>().filter(|_| addresses.len() >= needed);
    source.copied().ok_or("its PROXY header is too short for its addresses")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn binary(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [&SIGNATURE[..], &[command, family], &length, rest].concat()
    }

    #[test]
    fn both_versions_name_the_visitor() {
        let four: &[u8] = &[192, 0, 2, 7, 10, 0, 0, 1, 0xde, 0xad, 0, 80];
        let six = [&[0x20, 1, 0x0d, 0xb8][..], &[0; 11], &[9], &[0; 16], &[0, 1, 0, 2]].concat();
        let with_more = [four, &[4, 0, 1, 0]].concat();
        for (header, visitor) in [
            (b"PROXY TCP4 192.0.2.7 10.0.0.1 57005 80\r\n".to_vec(), Some("192.0.2.7")),
            (b"PROXY TCP6 2001:db8::9 ::1 1 2\r\n".to_vec(), Some("2001:db8::9")),
            (b"PROXY UNKNOWN\r\n".to_vec(), None),
            (b"PROXY UNKNOWN what ever it says\r\n".to_vec(), None),
            (binary(0x21, 0x11, four), Some("192.0.2.7")),
            (binary(0x21, 0x11, &with_more), Some("192.0.2.7")),
            (binary(0x21, 0x21, &six), Some("2001:db8::9")),
            (binary(0x21, 0, &[]), None),
            (binary(0x20, 0x11, four), None),
        ] {
            let stream = [&header[..], b"GET / HTTP/1.1\r\n"].concat();
            let visitor = visitor.map(|visitor| visitor.parse().unwrap());
            assert_eq!(read_announced(&stream), Ok(Some(Announced { length: header.len(), visitor })));
            for end in 0..header.len() {
                assert_eq!(read_announced(&header[..end]), Ok(None), "{end} of {header:?}");
            }
        }
    }

    #[test]
    fn what_is_none_is_refused_as_soon_as_that_is_known() {
        let endless = [&b"PROXY TCP4 "[..], &[b'1'; 120]].concat();
        for stream in [
            &b"G"[..],
            b"GET / HTTP/1.1\r\n\r\n",
            b"PROXX",
            b"PROXY\tTCP4",
            b"PROXY TCP4 192.0.2.7 ::1 1 2\r\n",
            b"PROXY TCP4 192.0.2.7 10.0.0.1 1 65536\r\n",
            b"PROXY TCP4 192.0.2.7 10.0.0.1 1\r\n",
            b"PROXY TCP4 192.0.2.7 10.0.0.1 1 2 3\r\n",
            &endless,
            &binary(0x11, 0x11, &[0; 12]),
            &binary(0x21, 0x11, &[0; 11]),
            &binary(0x21, 0x51, &[0; 12]),
            &binary(0x21, 0x21, &[0; 12]),
            &binary(0x21, 0x11, &[0; 5000]),
        ] {
            assert!(read_announced(stream).is_err(), "{stream:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_makes_it_read_more_than_there_is(
            start in prop::sample::select(vec![&b""[..], b"PROXY TCP4 1.2.3.4 ", &SIGNATURE]),
            rest in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            let stream = [start, &rest].concat();
            if let Ok(Some(announced)) = read_announced(&stream) {
                prop_assert!(announced.length <= stream.len());
                prop_assert_eq!(read_announced(&stream[..announced.length]), Ok(Some(announced)));
            }
        }
    }
}
