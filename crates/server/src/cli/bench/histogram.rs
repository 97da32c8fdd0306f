//! Durations in buckets that are less than 1 % wide, so that memory does not grow with the number of orders.

use std::time::Duration;

/// Buckets in each power of two: 1/128 is the 1 % that is promised.
const STEPS: u64 = 128;

/// Powers of two above the first: up to 2^41 ns, 36 minutes; what is longer counts as that.
const OCTAVES: u64 = 34;

/// How many durations fell where.
#[derive(Clone, Debug)]
pub(crate) struct Histogram {
    buckets: Vec<u64>,
    count: u64,
    max_ns: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        let buckets = usize::try_from(STEPS * (OCTAVES + 1)).expect("some thousands");
        Self { buckets: vec![0; buckets], count: 0, max_ns: 0 }
    }
}

/// Up to 256 ns a bucket for each; above, the seven bits behind the leading one choose.
fn bucket(ns: u64) -> u64 {
    let octave = u64::from((64 - (ns | 1).leading_zeros()).saturating_sub(8));
    STEPS * octave + (ns >> octave)
}

/// The last duration of a bucket, in nanoseconds.
fn upper_edge_ns(bucket: u64) -> u64 {
    let octave = (bucket / STEPS).saturating_sub(1);
    let step = bucket - STEPS * octave;
    ((step + 1) << octave) - 1
}

impl Histogram {
    /// Adds one.
    pub(crate) fn record(&mut self, duration: Duration) {
        let ns = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        let last = self.buckets.len() - 1;
        let at = usize::try_from(bucket(ns)).map_or(last, |at| at.min(last));
        self.buckets[at] += 1;
        self.count += 1;
        self.max_ns = self.max_ns.max(ns);
    }

    /// How many there are.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// The longest, exactly.
    pub(crate) fn max(&self) -> Duration {
        Duration::from_nanos(self.max_ns)
    }

    /// The duration that `per_mille` of 1000 do not exceed, at most 1 % too long. Zero when there are none.
    pub(crate) fn quantile(&self, per_mille: u64) -> Duration {
        let wanted = (self.count * per_mille).div_ceil(1000).max(1);
        let mut seen = 0;
        for (at, count) in (0..).zip(&self.buckets) {
            seen += count;
            if seen >= wanted {
                return Duration::from_nanos(upper_edge_ns(at).min(self.max_ns));
            }
        }
        self.max()
    }

    /// Powers of two from the first to the last that is not empty: upper edge and count.
    pub(crate) fn octaves(&self) -> Vec<(Duration, u64)> {
        let steps = usize::try_from(STEPS).expect("128");
        // The first chunk and the second make one row: both have one bucket a nanosecond.
        let mut rows: Vec<(Duration, u64)> = (0_u64..)
            .zip(self.buckets.chunks(steps))
            .map(|(octave, chunk)| (Duration::from_nanos(STEPS << octave), chunk.iter().sum()))
            .collect();
        while rows.last().is_some_and(|(_, count)| *count == 0) {
            rows.pop();
        }
        let empty = rows.iter().take_while(|(_, count)| *count == 0).count();
        rows.split_off(empty)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Histogram, bucket, upper_edge_ns};

    #[test]
    fn a_bucket_is_less_than_one_percent_wide_and_none_is_skipped() {
        let mut previous = 0;
        for ns in (0..100_000).chain((17..40).flat_map(|bits| [(1 << bits) - 1, 1 << bits, (1 << bits) + (1 << (bits - 1)) + 12_345])) {
            let edge = upper_edge_ns(bucket(ns));
            assert!(edge >= ns && (edge - ns) * 100 <= ns, "{ns} {edge}");
            if ns < 100_000 {
                assert!(bucket(ns) == previous || bucket(ns) == previous + 1, "{ns}");
                previous = bucket(ns);
            }
        }
    }

    #[test]
    fn quantiles_are_within_one_percent() {
        let mut histogram = Histogram::default();
        for us in 1..=10_000_u64 {
            histogram.record(Duration::from_micros(us));
        }
        for (per_mille, us) in [(500, 5_000_u64), (900, 9_000), (990, 9_900), (999, 9_990), (1000, 10_000)] {
            let found = u64::try_from(histogram.quantile(per_mille).as_micros()).expect("is small");
            assert!(found >= us && (found - us) * 100 <= us, "{per_mille}: {found}");
        }
        assert_eq!(histogram.max(), Duration::from_millis(10));
        assert_eq!(histogram.octaves().iter().map(|(_, count)| count).sum::<u64>(), 10_000);
    }

    #[test]
    fn none_and_the_longest_of_all_have_a_place() {
        let mut histogram = Histogram::default();
        assert_eq!((histogram.quantile(500), histogram.count()), (Duration::ZERO, 0));
        assert!(histogram.octaves().is_empty());
        histogram.record(Duration::MAX);
        histogram.record(Duration::ZERO);
        assert_eq!(histogram.quantile(1), Duration::ZERO);
        assert_eq!(histogram.count(), 2);
    }
}
