//! Who is there, how much each asks for, and which version each meets.

use sluice_core::Counts;

use super::{CANDIDATE, Recording, STABLE};
use crate::random::Random;
use crate::rehearsal::draw::normal;

/// Visitors ask for very different amounts: the logarithms have this standard deviation.
const SPREAD: f64 = 1.2;
/// One visitor in so many is a machine or a large customer, and asks for so many times as much.
const HEAVY_ONE_IN: u64 = 200;
const HEAVY_TIMES: f64 = 20.0;
/// How long a visitor stays, on average, and how often people come and go, in seconds.
const STAYS: u64 = 1800;
const TURN_EVERY: u64 = 10;
/// A visitor whose requests fail is counted once in so many seconds.
const COUNTED_EVERY: u64 = 60;

/// Which version somebody meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Placed {
    /// The candidate, or else stable.
    pub(crate) is_candidate: bool,
    /// Whether that was drawn by lot over everyone.
    pub(crate) by_lot: bool,
}

/// Whose request fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    /// Anybody's.
    Anyone,
    /// Of those on the candidate.
    OnCandidate,
    /// Of those on the candidate whom the fault hits.
    Hit,
}

struct Visitor {
    unit: String,
    weight: f64,
    /// Whether the visitor is of those whom a fault hits that hits only some.
    is_hit: bool,
    arm: usize,
    has_met: bool,
    /// When a failure was last counted, of each version.
    failed_at: [Option<u64>; 2],
}

/// The weights of some visitors, added up.
#[derive(Default)]
struct Weights {
    through: Vec<(f64, usize)>,
    total: f64,
}

pub(super) struct People {
    visitors: Vec<Visitor>,
    tenants: Vec<Visitor>,
    place: Box<dyn Fn(&str) -> Placed + Send>,
    class: f64,
    next_unit: u64,
    salt: u64,
    all: Weights,
    candidate: Weights,
    hit: Weights,
    /// Whose request failed last.
    failing: Option<usize>,
    /// How many have met the candidate.
    pub(super) met: u64,
}

impl Weights {
    fn of(visitors: &[Visitor], is_in: impl Fn(&Visitor) -> bool) -> Weights {
        let mut total = 0.0;
        let through = visitors
            .iter()
            .enumerate()
            .filter(|(_, visitor)| is_in(visitor))
            .map(|(index, visitor)| {
                total += visitor.weight;
                (total, index)
            })
            .collect();
        Weights { through, total }
    }

    fn pick(&self, random: &mut Random) -> Option<usize> {
        let at = random.unit() * self.total;
        let index = self.through.partition_point(|(through, _)| *through <= at);
        self.through.get(index).or(self.through.last()).map(|(_, visitor)| *visitor)
    }
}

impl People {
    pub(super) fn new(recording: &Recording, class: f64, random: &mut Random) -> People {
        let mut people = People {
            visitors: Vec::new(),
            tenants: Vec::new(),
            place: Box::new(|_| Placed { is_candidate: false, by_lot: false }),
            class,
            next_unit: 0,
            salt: random.bits(),
            all: Weights::default(),
            candidate: Weights::default(),
            hit: Weights::default(),
            failing: None,
            met: 0,
        };
        people.visitors = (0..recording.visitors.max(1)).map(|_| people.somebody(random).0).collect();
        people.tenants = recording.tenants.iter().map(|_| people.somebody(random).0).collect();
        people.weigh();
        people
    }

    fn somebody(&mut self, random: &mut Random) -> (Visitor, Placed) {
        let unit = format!("{:x}-{}", self.salt, self.next_unit);
        self.next_unit += 1;
        let placed = (self.place)(&unit);
        let times = if random.below(HEAVY_ONE_IN) == 0 { HEAVY_TIMES } else { 1.0 };
        let visitor = Visitor {
            unit,
            weight: times * (SPREAD * normal(random)).exp(),
            is_hit: random.chance(self.class),
            arm: usize::from(placed.is_candidate),
            has_met: false,
            failed_at: [None; 2],
        };
        (visitor, placed)
    }

    fn weigh(&mut self) {
        self.all = Weights::of(&self.visitors, |_| true);
        self.candidate = Weights::of(&self.visitors, |visitor| visitor.arm == CANDIDATE);
        self.hit = Weights::of(&self.visitors, |visitor| visitor.arm == CANDIDATE && visitor.is_hit);
    }

    pub(super) fn place(&mut self, place: Box<dyn Fn(&str) -> Placed + Send>) {
        for visitor in self.visitors.iter_mut().chain(&mut self.tenants) {
            visitor.arm = usize::from(place(&visitor.unit).is_candidate);
        }
        self.place = place;
        self.weigh();
    }

    /// What share of requests goes to the candidate.
    pub(super) fn share(&self) -> f64 {
        match self.candidate.through.len() {
            0 => 0.0,
            everyone if everyone == self.visitors.len() => 1.0,
            _ => self.candidate.total / self.all.total,
        }
    }

    /// What share of the candidate's requests is of visitors whom a fault hits.
    pub(super) fn hit_share(&self) -> f64 {
        if self.candidate.total > 0.0 { self.hit.total / self.candidate.total } else { 0.0 }
    }

    /// Lets people come and go, when it is time, and notes who meets the candidate.
    pub(super) fn pass(&mut self, second: u64, rate: f64, random: &mut Random, counts: &mut [Counts; 2]) {
        if !second.is_multiple_of(TURN_EVERY) {
            return;
        }
        let leaving = self.visitors.len() as f64 * TURN_EVERY as f64 / STAYS as f64;
        let leaving = leaving.floor() as u64 + u64::from(random.chance(leaving.fract()));
        for _ in 0..leaving {
            let (visitor, placed) = self.somebody(random);
            // Half of those who come have never been here, and bring no unit.
            if placed.by_lot && random.chance(0.5) {
                counts[visitor.arm].new_visitors += 1;
            }
            let seat = random.below(self.visitors.len() as u64) as usize;
            self.visitors[seat] = visitor;
        }
        self.weigh();
        let each = rate * TURN_EVERY as f64 / self.all.total.max(f64::MIN_POSITIVE);
        for visitor in self.visitors.iter_mut().filter(|visitor| visitor.arm == CANDIDATE && !visitor.has_met)
        {
            if random.chance(1.0 - (-each * visitor.weight).exp()) {
                visitor.has_met = true;
                self.met += 1;
            }
        }
    }

    /// A request fails. Gives of which version, and whether its visitor is to be counted. The next failure is of the same
    /// visitor as the one before as long as a bunch of them lasts.
    pub(super) fn fail(&mut self, random: &mut Random, second: u64, who: Who, bunch: f64) -> (usize, bool) {
        let weights = match who {
            Who::Anyone => &self.all,
            Who::OnCandidate => &self.candidate,
            Who::Hit => &self.hit,
        };
        let is_same = random.chance(1.0 - 1.0 / bunch.max(1.0));
        let same = self.failing.filter(|index| {
            let visitor = &self.visitors[*index];
            is_same
                && match who {
                    Who::Anyone => true,
                    Who::OnCandidate => visitor.arm == CANDIDATE,
                    Who::Hit => visitor.arm == CANDIDATE && visitor.is_hit,
                }
        });
        let Some(index) = same.or_else(|| weights.pick(random)) else { return (STABLE, true) };
        self.failing = Some(index);
        let visitor = &mut self.visitors[index];
        (visitor.arm, visitor.count(second))
    }

    /// Requests of a big customer fail.
    pub(super) fn fail_tenant(&mut self, second: u64, index: usize) -> (usize, bool) {
        let visitor = &mut self.tenants[index];
        (visitor.arm, visitor.count(second))
    }
}

impl Visitor {
    /// Whether a failure is the first in a while.
    fn count(&mut self, second: u64) -> bool {
        let last = &mut self.failed_at[self.arm];
        let is_first = last.is_none_or(|last| second - last >= COUNTED_EVERY);
        if is_first {
            *last = Some(second);
        }
        is_first
    }
}
