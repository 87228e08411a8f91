//! Small changes of seeds.

use proptest::prelude::*;
use proptest::sample::Index;

/// What is put somewhere else, beside single bytes.
const PIECES: [&[u8]; 20] = [
    b"",
    b"\"",
    b"{",
    b"}",
    b"[",
    b"]",
    b"\r\n",
    b"\n\n",
    b"\0",
    b"\xff",
    b"\xe2\x80\xae",
    b"-1",
    b"1e308",
    b"NaN",
    b"null",
    b"18446744073709551615",
    b"9223372036854775808",
    b"0000-00-00T00:00:00Z",
    b"---\n",
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
];

#[derive(Clone, Debug)]
enum Change {
    /// One byte becomes another.
    Byte(Index, u8),
    /// Some bytes become a piece.
    Piece(Index, usize, &'static [u8]),
    /// Some bytes stand somewhere else once more.
    Copied(Index, usize, Index),
    /// The rest is missing.
    Cut(Index),
}

/// Any of the seeds with a few changes.
pub(crate) fn of(seeds: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let change = prop_oneof![
        4 => (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Change::Byte(at, byte)),
        4 => (any::<Index>(), 0..9_usize, prop::sample::select(&PIECES[..]))
            .prop_map(|(at, length, piece)| Change::Piece(at, length, piece)),
        2 => (any::<Index>(), 1..60_usize, any::<Index>())
            .prop_map(|(from, length, to)| Change::Copied(from, length, to)),
        1 => any::<Index>().prop_map(Change::Cut),
    ];
    (prop::sample::select(seeds), prop::collection::vec(change, 1..5)).prop_map(|(mut bytes, changes)| {
        for change in changes {
            make(&mut bytes, change);
        }
        bytes
    })
}

fn make(bytes: &mut Vec<u8>, change: Change) {
    let place = |bytes: &[u8], at: Index| at.index(bytes.len() + 1);
    match change {
        Change::Byte(at, byte) => {
            let at = place(bytes, at);
            bytes.splice(at..bytes.len().min(at + 1), [byte]);
        }
        Change::Piece(at, length, piece) => {
            let at = place(bytes, at);
            bytes.splice(at..bytes.len().min(at + length), piece.iter().copied());
        }
        Change::Copied(from, length, to) => {
            let from = place(bytes, from);
            let copied = bytes[from..bytes.len().min(from + length)].to_vec();
            let to = place(bytes, to);
            bytes.splice(to..to, copied);
        }
        Change::Cut(at) => bytes.truncate(place(bytes, at)),
    }
}
