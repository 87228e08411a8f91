//! Networks of addresses, as in `10.0.0.0/8`.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// Addresses that begin with the same bits (RFC 4632, RFC 4291 section 2.3). An address alone is a network of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    first: IpAddr,
    bits: u8,
}

/// Why text is no network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not a network: {why}")]
pub struct InvalidNetwork {
    /// The text that was given.
    pub given: String,
    /// The rule that it breaks.
    pub why: String,
}

impl Network {
    /// Whether it holds an address. One of IPv4 that is written as one of IPv6 is the one of IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.first, address.to_canonical()) {
            (IpAddr::V4(first), IpAddr::V4(address)) => {
                let apart = first.to_bits() ^ address.to_bits();
                apart.leading_zeros() >= u32::from(self.bits)
            }
            (IpAddr::V6(first), IpAddr::V6(address)) => {
                let apart = first.to_bits() ^ address.to_bits();
                apart.leading_zeros() >= u32::from(self.bits)
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let invalid = |why: String| InvalidNetwork { given: text.to_owned(), why };
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let first: IpAddr = address
            .parse()
            .map_err(|_| invalid("write it as 10.0.0.0/8, 192.0.2.1 or 2001:db8::/32".to_owned()))?;
        if first.to_canonical() != first {
            return Err(invalid("write an address of IPv4 as one, as 10.0.0.0/8".to_owned()));
        }
        let most = if first.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => most,
            Some(bits) => match bits.parse::<u8>() {
                Ok(bits) if bits <= most => bits,
                _ => return Err(invalid(format!("behind the `/` is a number from 0 to {most}"))),
            },
        };
        let network = Network { first, bits };
        let exact = network.start();
        if exact != first {
            return Err(invalid(format!(
                "the address has bits beyond the /{bits}; did you mean {exact}/{bits}?"
            )));
        }
        Ok(network)
    }
}

impl Network {
    fn start(&self) -> IpAddr {
        match self.first {
            IpAddr::V4(first) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.bits)).unwrap_or(0);
                IpAddr::V4((first.to_bits() & mask).into())
            }
            IpAddr::V6(first) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.bits)).unwrap_or(0);
                IpAddr::V6((first.to_bits() & mask).into())
            }
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_belong_to_the_networks_that_they_begin_like() {
        for (network, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.0"),
            ("192.0.2.1", "192.0.2.1", "192.0.2.2"),
            ("192.0.2.0/31", "192.0.2.1", "192.0.2.2"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"),
            ("::1/128", "::1", "::2"),
        ] {
            let network: Network = network.parse().unwrap();
            assert!(network.contains(inside.parse().unwrap()), "{network} {inside}");
            assert!(!network.contains(outside.parse().unwrap()), "{network} {outside}");
        }
        let all: Network = "0.0.0.0/0".parse().unwrap();
        assert!(all.contains("::ffff:203.0.113.1".parse().unwrap()) && !all.contains("::1".parse().unwrap()));
    }

    #[test]
    fn what_is_no_network_is_told_why() {
        let why = |text: &str| text.parse::<Network>().unwrap_err().to_string();
        assert!(why("10.0.0.0/33").ends_with("a number from 0 to 32"), "{}", why("10.0.0.0/33"));
        assert!(why("10.0.0.1/8").ends_with("did you mean 10.0.0.0/8?"), "{}", why("10.0.0.1/8"));
        assert!(why("::1/0").ends_with("did you mean ::/0?"), "{}", why("::1/0"));
        for text in
            ["", "/8", "10.0.0/8", "10.0.0.0/", "10.0.0.0/-1", "a", "10.0.0.0/8/8", "::ffff:10.0.0.0/104"]
        {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
    }
}
