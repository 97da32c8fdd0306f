//! Seeded randomness: the same seed and stream throw the same numbers on every machine and in every version.

/// Throws numbers. `SplitMix64`; source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// The dice of one purpose in the run with `seed`: what one purpose throws does not move the others.
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut dice = Self(seed ^ stream.wrapping_mul(0xd6e8_feb8_6659_fd93));
        // Neighbouring seeds must not look alike from the first throw on.
        Self(dice.throw() ^ seed.rotate_left(32))
    }

    /// Any number.
    pub fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// 0 up to `end`, `end` not included; 0 where `end` is 0.
    pub fn below(&mut self, end: u64) -> u64 {
        // The modulo bias is far below anything that a run could show.
        if end == 0 { 0 } else { self.throw() % end }
    }

    /// From `least` to `most`, both included.
    pub fn between(&mut self, least: i64, most: i64) -> i64 {
        let span = u64::try_from(most.saturating_sub(least)).unwrap_or(0);
        least.saturating_add(i64::try_from(self.below(span + 1)).unwrap_or(0))
    }

    /// A count from `least` to `most`, both included.
    pub fn count(&mut self, least: usize, most: usize) -> usize {
        least + self.index(most.saturating_sub(least) + 1)
    }

    /// An index into something with `len` places.
    pub fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.below(u64::try_from(len).unwrap_or(u64::MAX))).unwrap_or(0)
    }

    /// True in `permille` of a thousand throws.
    pub fn happens(&mut self, permille: u64) -> bool {
        permille > 0 && self.below(1000) < permille
    }

    /// One of `things`; there must be one.
    pub fn pick<T: Copy>(&mut self, things: &[T]) -> T {
        things[self.index(things.len())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_of_one_seed_differ_and_repeat() {
        let throws = |seed, stream| {
            let mut dice = Dice::new(seed, stream);
            (0..8).map(|_| dice.throw()).collect::<Vec<_>>()
        };
        assert_eq!(throws(1, 1), throws(1, 1));
        assert_ne!(throws(1, 1), throws(1, 2));
        assert_ne!(throws(1, 1), throws(2, 1));
    }

    #[test]
    fn every_face_comes_up() {
        let mut dice = Dice::new(7, 7);
        let mut seen = [0; 6];
        for _ in 0..600 {
            seen[dice.index(6)] += 1;
        }
        assert!(seen.iter().all(|times| (60..140).contains(times)), "{seen:?}");
    }
}
