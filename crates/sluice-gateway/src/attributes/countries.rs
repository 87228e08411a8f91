//! Which country an address is in, by a file in MaxMind's format.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use maxminddb::{Reader, path};

/// A table of addresses and countries.
#[derive(Clone, Default)]
pub struct Countries {
    reader: Arc<ArcSwapOption<Reader<Vec<u8>>>>,
}

/// Why bytes are no such table.
#[derive(Debug, thiserror::Error)]
#[error("it is no database of MaxMind's format with countries: {why}")]
pub struct CountriesError {
    why: String,
}

impl Countries {
    /// Puts a table in place of the one that is there, if any.
    ///
    /// # Errors
    /// When the bytes are not in MaxMind's format. What was there stays.
    pub fn replace(&self, bytes: Vec<u8>) -> Result<(), CountriesError> {
        let reader = Reader::from_source(bytes).map_err(|error| CountriesError { why: error.to_string() })?;
        self.reader.store(Some(Arc::new(reader)));
        Ok(())
    }

    /// Whether there is a table.
    pub fn is_known(&self) -> bool {
        self.reader.load().is_some()
    }

    /// The country of an address, as two letters (ISO 3166-1): where it is used, or else where it is registered.
    pub fn of(&self, address: IpAddr) -> Option<String> {
        let reader = self.reader.load();
        let found = reader.as_ref()?.lookup(address).ok()?;
        let at = |path: &[maxminddb::PathElement<'_>]| found.decode_path::<String>(path).ok().flatten();
        at(&path!["country", "iso_code"]).or_else(|| at(&path!["registered_country", "iso_code"]))
    }
}

impl fmt::Debug for Countries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.reader.load().as_ref().map(|reader| reader.metadata().database_type.clone());
        f.debug_tuple("Countries").field(&kind).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A database (MaxMind DB file format specification 2.0) in which one network of IPv4 is in a country.
    fn database(network: [u8; 3], country: &str) -> Vec<u8> {
        let text = |text: &str| [&[0x40 | u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
        let bits: Vec<u8> =
            network.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
        let nodes = u32::try_from(bits.len()).unwrap();
        let record = |value: u32| value.to_be_bytes()[1..].to_vec();
        let tree = (1..=nodes).zip(&bits).flat_map(|(next, bit)| {
            // Behind the last bit lies the data, 16 bytes after the tree.
            let way = record(if next == nodes { nodes + 16 } else { next });
            let nowhere = record(nodes);
            if *bit == 0 { [way, nowhere].concat() } else { [nowhere, way].concat() }
        });
        let data = [vec![0xe1], text("country"), vec![0xe1], text("iso_code"), text(country)].concat();
        let uint = |kind: u8, value: u8| vec![kind << 5 | 1, value];
        let metadata = [
            vec![0xe9],
            [text("binary_format_major_version"), uint(5, 2)].concat(),
            [text("binary_format_minor_version"), uint(5, 0)].concat(),
            [text("build_epoch"), vec![1, 2, 1]].concat(),
            [text("database_type"), text("Test-Country")].concat(),
            [text("description"), vec![0xe0]].concat(),
            [text("ip_version"), uint(5, 4)].concat(),
            [text("languages"), vec![0, 4]].concat(),
            [text("node_count"), uint(6, u8::try_from(nodes).unwrap())].concat(),
            [text("record_size"), uint(5, 24)].concat(),
        ]
        .concat();
        let mut bytes: Vec<u8> = tree.collect();
        bytes.extend([0; 16]);
        bytes.extend(data);
        bytes.extend(b"\xab\xcd\xefMaxMind.com");
        bytes.extend(metadata);
        bytes
    }

    #[test]
    fn an_address_is_in_the_country_that_the_table_says() {
        let countries = Countries::default();
        let of = |address: &str| countries.of(address.parse().unwrap());
        assert_eq!(of("203.0.113.9"), None);
        countries.replace(database([203, 0, 113], "NL")).unwrap();
        assert_eq!((of("203.0.113.9").as_deref(), of("203.0.112.9"), of("::1")), (Some("NL"), None, None));
        assert!(countries.replace(b"no database".to_vec()).is_err());
        assert_eq!(of("203.0.113.9").as_deref(), Some("NL"), "what was there stays");
        countries.replace(database([203, 0, 113], "BE")).unwrap();
        assert_eq!(of("203.0.113.255").as_deref(), Some("BE"));
    }

    #[test]
    fn a_broken_table_knows_no_country_and_breaks_nothing() {
        let whole = database([203, 0, 113], "NL");
        for at in 0..whole.len() {
            let countries = Countries::default();
            let mut broken = whole.clone();
            broken[at] ^= 0xff;
            if countries.replace(broken).is_ok() {
                for address in ["203.0.113.9", "0.0.0.0", "::1"] {
                    countries.of(address.parse().unwrap());
                }
            }
        }
    }
}
