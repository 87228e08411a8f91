use proptest::prelude::*;
use sluice_stats::{Trials, Window};

use crate::counts::{assert_same, counts, histogram, plain_histogram};
use crate::plain;

/// Steps of time in milliseconds: mostly a second on, sometimes late, idle for long, or set back.
fn steps() -> impl Strategy<Value = Vec<i64>> {
    let step = prop_oneof![
        20 => 0..2_000_i64, 4 => -30_000..0_i64, 2 => 0..200_000_i64, 1 => -1_000_000..0_i64
    ];
    prop::collection::vec(step, 1..80)
}

fn numbers() -> impl Strategy<Value = u64> {
    prop_oneof![10 => 0..100_u64, 1 => any::<u64>(), 1 => Just(u64::MAX)]
}

/// Moments around the newest data, before and after.
const ASKED: [i64; 5] = [-70_000, 0, 4_000, 31_000, 100_000];

proptest! {
    #[test]
    fn a_running_sum_is_the_sum_of_its_slots(
        steps in steps(), n in prop::collection::vec(numbers(), 80), k in prop::collection::vec(numbers(), 80),
        slots in 1..20_u32,
    ) {
        let (mut fast, mut plain) = (Window::<Trials>::new(60_000, slots), plain::Window::new(60_000, slots));
        let mut now = 1_795_424_400_000;
        for (i, step) in steps.into_iter().enumerate() {
            now += step;
            let counted = Trials { n: n[i], k: k[i] };
            fast.add(now, &counted);
            plain.add(now, &counted);
            for asked in ASKED {
                prop_assert_eq!(fast.total(now + asked), plain.total(now + asked), "at {}", now + asked);
            }
        }
        let stored = serde_json::to_string(&fast).unwrap();
        prop_assert_eq!(serde_json::from_str::<Window<Trials>>(&stored).unwrap(), fast);
    }

    #[test]
    fn a_running_histogram_is_the_sum_of_its_slots(
        steps in steps(), counts in prop::collection::vec(counts(), 80), stored_at in 0..80_usize,
    ) {
        let (mut fast, mut plain) = (Window::new(60_000, 12), plain::Window::new(60_000, 12));
        let mut now = 1_795_424_400_000;
        for (i, (step, counts)) in steps.into_iter().zip(&counts).enumerate() {
            now += step;
            fast.add(now, &histogram(counts));
            plain.add(now, &plain_histogram(counts));
            for asked in ASKED {
                assert_same(&fast.total(now + asked), &plain.total(now + asked))?;
            }
            if i == stored_at {
                let read = serde_json::from_str(&serde_json::to_string(&fast).unwrap()).unwrap();
                prop_assert_eq!(&read, &fast);
                fast = read;
            }
        }
    }
}

#[test]
fn a_window_that_was_stored_without_its_sum_is_read() {
    let stored = r#"{"slot_ms":5000,"slots":12,"held":{"20":{"n":7,"k":1},"22":{"n":3,"k":0}}}"#;
    let window: Window<Trials> = serde_json::from_str(stored).unwrap();
    assert_eq!(window.total(112_000), Trials::new(10, 1));
    assert_eq!(window.covered(112_000), 10_000);
    assert_eq!(serde_json::to_string(&window).unwrap(), stored);
}
