//! Where a visitor falls: a number from 0 to 99 999 that stays the same for the same unit and salt.
//!
//! The candidate owns the buckets below its weight. Growing the weight therefore only adds people, and taking it
//! back and growing it again meets the same ones.

use std::hash::Hasher;

use siphasher::sip::SipHasher13;

use crate::Weight;

/// Where a visitor falls: `0..100_000`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bucket(u32);

impl Bucket {
    /// The bucket of a unit. SipHash-1-3 with a zero key (Aumasson & Bernstein 2012): fixed, so that a bucket is
    /// the same on every gateway and after every upgrade. The salt is closed by a zero byte, which no name holds, so
    /// that no salt and unit run into each other.
    pub fn of(salt: &str, unit: &str) -> Bucket {
        let mut hasher = SipHasher13::new();
        hasher.write(salt.as_bytes());
        hasher.write_u8(0);
        hasher.write(unit.as_bytes());
        let parts = hasher.finish() % u64::from(Weight::PARTS);
        // Below 100 000, so it fits.
        Bucket(parts as u32)
    }

    /// The number.
    pub const fn number(self) -> u32 {
        self.0
    }

    /// Whether a version with this weight owns the bucket.
    pub const fn is_within(self, weight: Weight) -> bool {
        self.0 < weight.parts()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_visitor_falls_into_the_same_bucket_forever() {
        // Recorded once: a change here would move every visitor of every running release.
        let buckets = ["ada", "grace", ""].map(|unit| Bucket::of("production/checkout/2.1.0", unit).number());
        assert_eq!(buckets, [99_852, 38_253, 88_249]);
    }

    #[test]
    fn shares_are_what_the_weight_says() {
        let weight = Weight::from_percent(5.0).unwrap();
        let people = 100_000;
        let met = (0..people).filter(|i| Bucket::of("s", &i.to_string()).is_within(weight)).count();
        let expected = 5_000.0;
        let standard_error = (people as f64 * 0.05 * 0.95).sqrt();
        assert!((met as f64 - expected).abs() < 3.0 * standard_error, "{met} met it");
    }
}
