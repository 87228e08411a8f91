//! The trace that a request is part of (W3C Trace Context, level 1).
//!
//! The gateway makes no spans of its own, so a header that can be read passes as it came: the service behind is then a child
//! of whoever asked, with no span between that nobody ever sees. One that is missing or cannot be read is made anew, and
//! `tracestate`, which belongs to what was lost, is taken off with it (section 3.3).

use http::{HeaderMap, HeaderName, HeaderValue};
use sluice_core::Weight;

use crate::options::TraceOptions;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// The length of version 00: `00-`, 32 digits, `-`, 16 digits, `-`, 2 digits.
const LENGTH: usize = 55;
const FLAG_SAMPLED: u8 = 1;

/// Which trace a request is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Trace {
    /// Never zero.
    pub(crate) id: u128,
    /// Whether somebody keeps it.
    pub(crate) is_sampled: bool,
}

impl Trace {
    /// One of 0 to 99 999, the same at every hop of the trace: who draws by it keeps a trace whole.
    pub(crate) fn lot(self) -> u32 {
        // The low half is the random one where the high one is a time.
        let low = self.id & u128::from(u64::MAX);
        u32::try_from((low * u128::from(Weight::FULL.parts())) >> 64).unwrap_or_default()
    }
}

/// Reads the trace of a request, and puts it right where it is missing or broken. `random` gives 64 evenly spread bits.
pub(crate) fn settle(
    headers: &mut HeaderMap,
    options: TraceOptions,
    mut random: impl FnMut() -> u64,
) -> Option<Trace> {
    let mut lines = headers.get_all(TRACEPARENT).iter();
    // Two lines are two parents.
    if let (Some(line), None) = (lines.next(), lines.next())
        && let Some(trace) = parse(line.as_bytes())
    {
        return Some(trace);
    }
    headers.remove(TRACEPARENT);
    headers.remove(TRACESTATE);
    let TraceOptions::Make { sample } = options else { return None };
    let id = (u128::from(random()) << 64 | u128::from(random())).max(1);
    let trace = Trace { id, is_sampled: false };
    let trace = Trace { is_sampled: trace.lot() < sample.parts(), ..trace };
    let parent = random().max(1);
    let text = format!("00-{id:032x}-{parent:016x}-{:02x}", u8::from(trace.is_sampled) * FLAG_SAMPLED);
    headers.insert(TRACEPARENT, HeaderValue::try_from(text).expect("digits make a header"));
    Some(trace)
}

/// Section 3.2.2. A later version is read as far as version 00 goes (section 3.2.4).
fn parse(text: &[u8]) -> Option<Trace> {
    let fits = match text.get(..2)? {
        b"00" => text.len() == LENGTH,
        _ => text.len() == LENGTH || text.get(LENGTH) == Some(&b'-'),
    };
    let version = hex(text.get(..2)?)?;
    let has_dashes = [2, 35, 52].iter().all(|place| text.get(*place) == Some(&b'-'));
    if !fits || !has_dashes || version == 0xff {
        return None;
    }
    let (id, parent, flags) = (hex(text.get(3..35)?)?, hex(text.get(36..52)?)?, hex(text.get(53..55)?)?);
    (id != 0 && parent != 0).then_some(Trace { id, is_sampled: flags & u128::from(FLAG_SAMPLED) != 0 })
}

/// Lower-case digits alone.
fn hex(digits: &[u8]) -> Option<u128> {
    digits.iter().try_fold(0_u128, |number, digit| {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(number << 4 | u128::from(value))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const VALID: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const ALL: TraceOptions = TraceOptions::Make { sample: Weight::FULL };

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(HeaderName::from_static(name), value.parse().unwrap());
        }
        headers
    }

    fn seven() -> u64 {
        7
    }

    #[test]
    fn what_can_be_read_passes_as_it_came() {
        let later = "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00-what-comes-later";
        for (text, is_sampled) in [(VALID, true), (later, false), (&later[..55], false)] {
            let mut map = headers(&[("traceparent", text), ("tracestate", "a=1"), ("tracestate", "b=2")]);
            let before = map.clone();
            let id = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736;
            for options in [ALL, TraceOptions::Carry] {
                assert_eq!(settle(&mut map, options, seven), Some(Trace { id, is_sampled }), "{text}");
                assert_eq!(map, before, "{text}");
            }
        }
    }

    #[test]
    fn what_cannot_be_read_is_replaced_with_its_state() {
        let broken = [
            "",
            "00",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00F067AA0BA902B7-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01x",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ];
        let made = "00-00000000000000070000000000000007-0000000000000007-01";
        for text in broken {
            let mut map = headers(&[("traceparent", text), ("tracestate", "a=1")]);
            assert_eq!(settle(&mut map, ALL, seven).map(|trace| trace.id), Some(7 << 64 | 7), "{text}");
            assert_eq!(map, headers(&[("traceparent", made)]), "{text}");
            let mut map = headers(&[("traceparent", text), ("tracestate", "a=1")]);
            assert_eq!(settle(&mut map, TraceOptions::Carry, seven), None, "{text}");
            assert!(map.is_empty(), "{text}");
        }
        let mut twice = headers(&[("traceparent", VALID), ("traceparent", VALID)]);
        settle(&mut twice, ALL, seven);
        assert_eq!(twice, headers(&[("traceparent", made)]));
    }

    #[test]
    fn a_share_of_the_traces_that_are_made_is_sampled() {
        let sample = Weight::from_percent(25.0).unwrap();
        let mut state = 0_u64;
        let mut random = || {
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            state
        };
        let mut made = || settle(&mut HeaderMap::new(), TraceOptions::Make { sample }, &mut random);
        let sampled = (0..10_000).filter(|_| made().unwrap().is_sampled).count();
        assert!(sampled.abs_diff(2_500) < 250, "{sampled}");
    }

    proptest! {
        /// Whatever came, what goes on is nothing or one header that can be read, and it is the trace that is told.
        #[test]
        fn what_goes_on_can_always_be_read(
            lines in prop::collection::vec("[ -~]{0,60}|0[01]-[0-9a-f]{32}-[0-9a-f]{16}-0[01](-x)?", 0..3),
        ) {
            let mut map = HeaderMap::new();
            for line in &lines {
                map.append(TRACEPARENT, line.parse().unwrap());
            }
            let told = settle(&mut map, ALL, seven);
            prop_assert_eq!(map.get_all(TRACEPARENT).iter().count(), 1);
            prop_assert_eq!(parse(map[TRACEPARENT].as_bytes()), told);
        }
    }
}
