//! A small seeded generator of random draws: every run sees the same streams.

/// SplitMix64 (Steele, Lea, Flood 2014).
pub(crate) struct Draws(u64);

impl Draws {
    pub(crate) fn new(seed: u64) -> Draws {
        // Seeds in a row would give streams that overlap; the multiplier spreads them.
        Draws(seed.wrapping_mul(0xd134_2543_de82_ef95))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Within (0, 1).
    pub(crate) fn uniform(&mut self) -> f64 {
        ((self.next() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    pub(crate) fn happens(&mut self, probability: f64) -> bool {
        self.uniform() < probability
    }

    pub(crate) fn normal(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// A count with this mean.
    pub(crate) fn poisson(&mut self, mean: f64) -> u64 {
        // A sum of such counts is one of the sum of their means; small means keep the product a number.
        let parts = (mean / 30.0).ceil().max(1.0);
        let least = (-mean / parts).exp();
        (0..parts as u64)
            .map(|_| {
                let (mut count, mut product) = (0, self.uniform());
                while product > least {
                    count += 1;
                    product *= self.uniform();
                }
                count
            })
            .sum()
    }

    /// How many tries it takes until one happens, at least 1.
    pub(crate) fn geometric(&mut self, probability: f64) -> u64 {
        1 + (self.uniform().ln() / (-probability).ln_1p()) as u64
    }

    /// Of mean `shape`, at least 1 (Marsaglia, Tsang 2000).
    pub(crate) fn gamma(&mut self, shape: f64) -> f64 {
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let z = self.normal();
            let v = (1.0 + c * z).powi(3);
            if v > 0.0 && self.uniform().ln() < 0.5 * z * z + d - d * v + d * v.ln() {
                return d * v;
            }
        }
    }
}
