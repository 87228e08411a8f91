//! Evidence of several experts, from the beginning and from every restart.

pub(crate) const LN_NOTHING: f64 = -1e300;
const WHOLE: f64 = 0.85;

pub(crate) fn ln_add(a: f64, b: f64) -> f64 {
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    high + (low - high).exp().ln_1p()
}

#[derive(Clone, Debug)]
pub(crate) struct Evidence {
    pub(crate) whole: Vec<f64>,
    pub(crate) restarted: Vec<f64>,
    restarts: u32,
    unused: f64,
}

impl Evidence {
    pub(crate) fn new(experts: usize) -> Evidence {
        let restarted = vec![LN_NOTHING; experts];
        Evidence { whole: vec![0.0; experts], restarted, restarts: 0, unused: 1.0 }
    }

    pub(crate) fn was_restarted(&self) -> bool {
        self.restarts > 0
    }

    pub(crate) fn restart(&mut self) {
        self.restarts = self.restarts.saturating_add(1);
        // A part of 0.16 for each of the first five; of the 0.2 that are left, 1 / (k (k + 1)) for the k-th after them.
        let share = match self.restarts {
            early @ 1..=5 => {
                self.unused = 1.0 - 0.16 * f64::from(early);
                0.16
            }
            late => {
                let k = f64::from(late - 5);
                self.unused = 0.2 / (k + 1.0);
                0.2 / (k * (k + 1.0))
            }
        };
        self.restarted.iter_mut().for_each(|held| *held = ln_add(*held, share.ln()));
    }

    pub(crate) fn ln(&self, priors: impl Iterator<Item = f64> + Clone) -> f64 {
        let mix = |held: &[f64]| {
            let highest = held.iter().copied().fold(LN_NOTHING, f64::max);
            let parts = held.iter().zip(priors.clone()).map(|(held, prior)| prior * (held - highest).exp());
            highest + parts.sum::<f64>().ln()
        };
        let later = ln_add(self.unused.ln(), mix(&self.restarted));
        ln_add(WHOLE.ln() + mix(&self.whole), (1.0 - WHOLE).ln() + later)
    }
}

pub(crate) fn multiply(held: &mut [f64], gains: impl Iterator<Item = f64>) {
    held.iter_mut().zip(gains).for_each(|(held, gain)| *held += gain);
}
