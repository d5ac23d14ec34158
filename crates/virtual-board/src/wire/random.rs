//! Random errors, reproducible by their seed.

use crate::options::ByteErrors;

/// The errors of one direction.
#[derive(Debug)]
pub(super) struct RandomErrors {
    state: u64,
    per_billion: u32,
}

const BILLION: u64 = 1_000_000_000;

impl RandomErrors {
    /// Returns the errors of a direction. `stream` selects one of the sequences of the seed.
    pub(super) fn new(errors: ByteErrors, stream: u64) -> RandomErrors {
        let mut start = RandomErrors {
            state: errors.seed,
            per_billion: errors.per_billion,
        };
        // Without this step, the streams of neighbouring seeds would be equal.
        start.state = start.next() ^ stream;
        start
    }

    /// Applies the errors to the next byte; `None` if it is lost.
    pub(super) fn pass(&mut self, byte: u8) -> Option<u8> {
        let random = self.next();
        if random % BILLION >= u64::from(self.per_billion) {
            return Some(byte);
        }
        let choice = self.next();
        if choice & 8 == 0 {
            return None;
        }
        Some(byte ^ (1 << (choice & 7)))
    }

    /// Returns the next number of SplitMix64: Steele, Lea and Flood, "Fast splittable pseudorandom number
    /// generators", 2014.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = self.state;
        let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns what comes of 1,000,000 zeros: how many were lost, and how many were changed, each in one bit.
    fn hit(per_billion: u32, seed: u64, stream: u64) -> (usize, usize) {
        let mut errors = RandomErrors::new(ByteErrors { per_billion, seed }, stream);
        let passed: Vec<Option<u8>> = (0..1_000_000).map(|_| errors.pass(0)).collect();
        let lost = passed.iter().filter(|byte| byte.is_none()).count();
        let changed = passed.iter().flatten().filter(|byte| **byte != 0).count();
        let in_one_bit = |byte: &u8| byte.count_ones() <= 1;
        assert!(passed.iter().flatten().all(in_one_bit));
        (lost, changed)
    }

    #[test]
    fn errors_come_at_their_rate_half_of_them_losses() {
        for rate in [10_000, 100_000, 1_000_000] {
            let expected = rate as usize / 1000 / 2;
            let (lost, changed) = hit(rate, 1, 0);
            // Four standard deviations.
            let tolerance = 4 * expected.isqrt() + 4;
            assert!(lost.abs_diff(expected) <= tolerance, "{rate}: {lost}");
            assert!(changed.abs_diff(expected) <= tolerance, "{rate}: {changed}");
        }
        assert_eq!(hit(0, 1, 0), (0, 0));
        let (lost, changed) = hit(1_000_000_000, 1, 0);
        assert_eq!(lost + changed, 1_000_000);
    }

    #[test]
    fn the_same_seed_gives_the_same_errors() {
        let sequence = |seed, stream| {
            let per_billion = 10_000_000;
            let mut errors = RandomErrors::new(ByteErrors { per_billion, seed }, stream);
            (0..10_000).map(|_| errors.pass(0)).collect::<Vec<_>>()
        };
        assert_eq!(sequence(7, 0), sequence(7, 0));
        assert_ne!(sequence(7, 0), sequence(7, 1));
        assert_ne!(sequence(7, 0), sequence(8, 0));
        assert_ne!(sequence(7, 1), sequence(8, 0));
    }
}
