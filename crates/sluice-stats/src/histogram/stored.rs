//! How a histogram is stored: a map from buckets to counts, of those that hold something.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Histogram;

impl Serialize for Histogram {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Histogram {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Histogram, D::Error> {
        deserializer.deserialize_map(Counts)
    }
}

struct Counts;

impl<'de> Visitor<'de> for Counts {
    type Value = Histogram;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a map from buckets to counts")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut counts: A) -> Result<Histogram, A::Error> {
        let mut histogram = Histogram::default();
        while let Some((bucket, count)) = counts.next_entry()? {
            histogram.add(bucket, count);
        }
        Ok(histogram)
    }
}
