//! What is written comes back; what is damaged does no harm.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;

fn histograms() -> impl Strategy<Value = Histogram> {
    let buckets = vec((0..Histogram::BUCKETS as u16, prop_oneof![Just(1), 1..1_000_000_u64]), 0..40);
    buckets.prop_map(|buckets| {
        let mut histogram = Histogram::default();
        buckets.into_iter().for_each(|(bucket, count)| histogram.add(bucket, count));
        histogram
    })
}

fn all_counts() -> impl Strategy<Value = Counts> {
    let number = || prop_oneof![3 => Just(0), 2 => 1..300_u64, 1 => 0..u64::MAX / 16];
    (vec(number(), 9), option::of(number()), histograms()).prop_map(|(numbers, requests, latency)| {
        let sum = numbers[..7].iter().sum();
        Counts {
            requests: requests.unwrap_or(sum),
            responses: numbers[..5].try_into().unwrap(),
            resets: numbers[5],
            cancelled: numbers[6],
            failed_visitors: numbers[7],
            new_visitors: numbers[8],
            latency,
        }
    })
}

fn amounts() -> impl Strategy<Value = Amount> {
    let float = || prop_oneof![any::<i32>().prop_map(f64::from), Just(f64::MAX), Just(0.1)];
    prop_oneof![
        Just(Amount::Nothing),
        (any::<u64>(), any::<u64>()).prop_map(|(n, k)| Amount::Trials(Trials { n, k })),
        (any::<u64>(), float()).prop_map(|(events, seconds)| Amount::Events { events, seconds }),
        histograms().prop_map(Amount::Values),
        float().prop_map(Amount::Gauge),
    ]
}

fn all_entries() -> impl Strategy<Value = Vec<Entry>> {
    let measured = prop_oneof![
        all_counts().prop_map(|counts| Measured::Counts(Box::new(counts))),
        amounts().prop_map(Measured::Amount),
    ];
    let offset = prop_oneof![(0..60_u64).prop_map(|second| second * 1000), 0..600_000_u64];
    let span = prop_oneof![3 => Just(1000), 1 => any::<u64>()];
    let entry = (offset, span, measured).prop_map(|(offset_ms, span_ms, measured)| Entry {
        offset_ms,
        span_ms,
        measured,
    });
    vec(entry, 0..8)
}

proptest! {
    #[test]
    fn what_is_written_piece_by_piece_comes_back(pieces in vec(all_entries(), 0..4)) {
        let bytes: Vec<u8> = pieces.iter().flat_map(encode).collect();
        prop_assert_eq!(decode(&bytes), Decoded { entries: pieces.concat(), damage: None });
    }

    #[test]
    fn a_changed_byte_costs_a_piece_and_is_noticed(
        pieces in vec(all_entries(), 1..4), place: prop::sample::Index, change in 1..=u8::MAX,
    ) {
        let mut bytes: Vec<u8> = pieces.iter().flat_map(encode).collect();
        let place = place.index(bytes.len());
        bytes[place] ^= change;
        let decoded = decode(&bytes);
        prop_assert!(decoded.damage.is_some());
        let all = pieces.concat();
        prop_assert!(decoded.entries.iter().all(|entry| all.contains(entry)));
    }

    #[test]
    fn any_bytes_are_read_to_their_end(bytes in vec(any::<u8>(), 0..200)) {
        decode(&bytes);
        let mut chunk = vec![VERSION];
        put(&mut chunk, bytes.len() as u64);
        chunk.extend(&bytes);
        chunk.extend(checksum(&bytes).to_le_bytes());
        decode(&chunk);
    }
}

#[test]
fn a_second_with_twenty_requests_takes_some_forty_bytes() {
    let mut counts = Counts { requests: 20, responses: [0, 20, 0, 0, 0], ..Counts::default() };
    (0..20_u64).for_each(|n| counts.latency.record(4_000 + n * n * 37));
    let entry = Entry { offset_ms: 7_000, span_ms: 1000, measured: Measured::Counts(Box::new(counts)) };
    let length = encode([&entry]).len();
    assert!(length < 40, "{length}");
}
