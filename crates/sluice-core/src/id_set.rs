//! A set of very many ids, for lists of visitors.
//!
//! Kept are 128-bit hashes (SipHash-1-3-128, Aumasson & Bernstein 2012) in an open table that is at most half full (linear
//! probing, Knuth, The Art of Computer Programming 6.4): a lookup costs the hash and one or two reads, however many there
//! are, and an id costs 32 to 64 bytes whatever its length. That two of a million ids share a hash has a chance of one
//! in 10²⁶.

use std::hash::Hasher;

use siphasher::sip128::{Hasher128, SipHasher13};

/// A set of ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IdSet {
    /// A power of two of places; zero where there is none.
    places: Box<[u128]>,
    len: usize,
}

fn hash(id: &str) -> u128 {
    let mut hasher = SipHasher13::new();
    hasher.write(id.as_bytes());
    // Zero means that a place is free.
    hasher.finish128().as_u128().max(1)
}

impl IdSet {
    /// Whether it holds an id.
    pub fn contains(&self, id: &str) -> bool {
        if self.places.is_empty() {
            return false;
        }
        let hash = hash(id);
        self.places[place_of(&self.places, hash)] == hash
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

/// Where a hash is, or would be. There is always a free place.
fn place_of(places: &[u128], hash: u128) -> usize {
    let mask = places.len() - 1;
    // The low bits; a place is found in any number of them.
    let mut place = usize::try_from(hash & u128::from(u64::MAX)).unwrap_or(usize::MAX) & mask;
    while places[place] != 0 && places[place] != hash {
        place = (place + 1) & mask;
    }
    place
}

impl<'a> FromIterator<&'a str> for IdSet {
    fn from_iter<I: IntoIterator<Item = &'a str>>(ids: I) -> IdSet {
        let hashes: Vec<u128> = ids.into_iter().map(hash).collect();
        if hashes.is_empty() {
            return IdSet::default();
        }
        let mut places = vec![0; (hashes.len() * 2).next_power_of_two()].into_boxed_slice();
        let mut len = 0;
        for hash in hashes {
            let place = place_of(&places, hash);
            len += usize::from(places[place] == 0);
            places[place] = hash;
        }
        IdSet { places, len }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn holds_what_a_plain_set_holds(
            ids in prop::collection::vec("[a-c]{0,4}", 0..60),
            asked in prop::collection::vec("[a-c]{0,4}", 0..60),
        ) {
            let (set, plain): (IdSet, BTreeSet<&str>) =
                (ids.iter().map(String::as_str).collect(), ids.iter().map(String::as_str).collect());
            prop_assert_eq!(set.len(), plain.len());
            for id in asked {
                prop_assert_eq!(set.contains(&id), plain.contains(id.as_str()), "{}", id);
            }
        }
    }

    #[test]
    fn an_empty_set_holds_nothing() {
        assert!(!IdSet::default().contains("") && !IdSet::from_iter([]).contains("a"));
    }
}
