//! Rows: eight neighbouring buckets, kept or left out together.
//!
//! Durations of one service cluster, so most rows that hold anything hold much, and adding a row to another takes no
//! search and no branch. One row is a cache line.

use std::array;
use std::sync::Arc;

use super::Histogram;

/// Buckets in a row.
pub(crate) const WIDTH: usize = 8;
/// How many rows there are. Sets of rows are bits of a `u128`.
pub(super) const ROWS: usize = Histogram::BUCKETS / WIDTH;

const _: () = assert!(ROWS <= u128::BITS as usize && Histogram::BUCKETS.is_multiple_of(WIDTH));

/// The counts of neighbouring buckets.
pub(crate) type Row = [u64; WIDTH];

const NOTHING: Row = [0; WIDTH];

/// The number of a bucket's row, and the bucket's place in it.
pub(super) fn place(bucket: u16) -> (usize, usize) {
    (usize::from(bucket) / WIDTH, usize::from(bucket) % WIDTH)
}

/// The bucket at a place of a row; the inverse of [`place`].
pub(crate) fn bucket_at(number: usize, place: usize) -> u16 {
    (number * WIDTH + place) as u16
}

/// The numbers in a set, least first.
pub(super) fn numbers(mut set: u128) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let number = set.trailing_zeros() as usize;
        set &= set.checked_sub(1)?;
        Some(number)
    })
}

/// The sum of counts, held below the greatest number.
pub(super) fn sum<'a>(counts: impl IntoIterator<Item = &'a u64>) -> u64 {
    counts.into_iter().fold(0, |sum, count| sum.saturating_add(*count))
}

/// The rows that any of the histograms holds, in order, each with that row of every one.
pub(crate) fn side_by_side<const N: usize>(all: [&Histogram; N]) -> impl Iterator<Item = (usize, [&Row; N])> {
    let mut next = [0; N];
    numbers(all.iter().fold(0, |set, one| set | one.held)).map(move |number| {
        let row = |i: usize| {
            if !all[i].holds(number) {
                return &NOTHING;
            }
            next[i] += 1;
            &all[i].rows[next[i] - 1]
        };
        (number, array::from_fn(row))
    })
}

/// Rows that come in order, on their way to become a histogram.
#[derive(Default)]
pub(super) struct Rows {
    held: u128,
    rows: Vec<Row>,
    count: u64,
}

impl Rows {
    /// Adds a row beyond all others, unless it holds nothing.
    pub(super) fn push(&mut self, number: usize, row: Row) {
        if row != NOTHING {
            self.held |= 1 << number;
            self.rows.push(row);
            self.count = self.count.saturating_add(sum(&row));
        }
    }

    /// Counts into the last bucket so far or one beyond it.
    pub(super) fn add(&mut self, bucket: u16, count: u64) {
        let (number, place) = place(bucket);
        match self.rows.last_mut() {
            Some(last) if self.held >> number == 1 => {
                last[place] = last[place].saturating_add(count);
                self.count = self.count.saturating_add(count);
            }
            _ => {
                let mut row = NOTHING;
                row[place] = count;
                self.push(number, row);
            }
        }
    }

    pub(super) fn into_histogram(self) -> Histogram {
        Histogram { held: self.held, rows: Arc::from(self.rows), count: self.count }
    }
}

impl Histogram {
    pub(super) fn holds(&self, number: usize) -> bool {
        self.held >> number & 1 == 1
    }

    /// How many rows are held before this one.
    pub(super) fn held_before(&self, number: usize) -> usize {
        (self.held & ((1 << number) - 1)).count_ones() as usize
    }

    /// Makes sure that all rows of a set are there, if need be with nothing in them.
    pub(super) fn make_room(&mut self, set: u128) {
        if set & !self.held == 0 {
            return;
        }
        let union = self.held | set;
        let mut rows = Vec::with_capacity(union.count_ones() as usize);
        let mut held = self.rows.iter();
        for number in numbers(union) {
            let row = if self.holds(number) { held.next() } else { None };
            rows.push(row.copied().unwrap_or(NOTHING));
        }
        (self.held, self.rows) = (union, Arc::from(rows));
    }

    /// Each row that is held, to be changed, with the same row of another histogram if that holds it. Other owners of
    /// the rows keep what they have.
    pub(super) fn change_by<'a>(&'a mut self, other: &'a Histogram, change: impl Fn(&mut Row, &Row)) {
        let mut theirs = other.rows.iter();
        for (number, mine) in numbers(self.held).zip(Arc::make_mut(&mut self.rows)) {
            if other.holds(number)
                && let Some(row) = theirs.next()
            {
                change(mine, row);
            }
        }
    }

    /// Lets go of rows that hold nothing any more.
    pub(super) fn drop_empty_rows(&mut self) {
        if self.rows.contains(&NOTHING) {
            let mut kept = Rows::default();
            numbers(self.held).zip(self.rows.iter()).for_each(|(number, row)| kept.push(number, *row));
            (self.held, self.rows) = (kept.held, Arc::from(kept.rows));
        }
    }
}
