//! How things are measured: in turn, round after round, so that whatever the machine does meanwhile happens to all.

use std::time::Duration;

use crate::{Failure, cpu};

/// One of the things that are measured in turn.
pub(crate) type Contestant<'a, T> = &'a mut dyn FnMut() -> Result<T, Failure>;

/// Measures all once (which warms them up and is thrown away), then each in turn, so many times. Answers with the
/// samples of each.
pub(crate) fn in_turn<T, const N: usize>(
    rounds: usize,
    mut contestants: [Contestant<'_, T>; N],
) -> Result<[Vec<T>; N], Failure> {
    let mut samples = [const { Vec::new() }; N];
    for round in 0..=rounds {
        for (contestant, samples) in contestants.iter_mut().zip(&mut samples) {
            let sample = contestant()?;
            if round > 0 {
                samples.push(sample);
            }
        }
    }
    Ok(samples)
}

/// An operation that is repeated until it can be measured. Counts the processor time of the whole process, so that an
/// operation which has other threads work for it pays for them, and one that is interrupted does not pay for others.
pub(crate) struct Repeated<F> {
    operation: F,
    times: u64,
}

impl<F: FnMut() -> Result<(), Failure>> Repeated<F> {
    /// Finds out how often `operation` is to be repeated for a sample that takes about `span`.
    pub(crate) fn new(span: Duration, operation: F) -> Result<Self, Failure> {
        let mut this = Self { operation, times: 1 };
        loop {
            let spent = this.spend()?;
            if spent >= span / 4 {
                let fits = span.as_secs_f64() / spent.as_secs_f64() * this.times as f64;
                this.times = (fits as u64).max(1);
                return Ok(this);
            }
            this.times *= 2;
        }
    }

    /// One sample: microseconds of processor time for one operation.
    pub(crate) fn micros(&mut self) -> Result<f64, Failure> {
        Ok(self.spend()?.as_secs_f64() * 1e6 / self.times as f64)
    }

    fn spend(&mut self) -> Result<Duration, Failure> {
        let before = cpu::spent_here()?;
        for _ in 0..self.times {
            (self.operation)()?;
        }
        Ok(cpu::spent_here()?.saturating_sub(before))
    }
}

/// Samples of a subject beside those of its floor, from the same rounds.
pub(crate) struct Beside {
    pub(crate) floor: f64,
    pub(crate) figure: f64,
    /// The median of the rounds' ratios, which is not the ratio of the medians.
    pub(crate) ratio: f64,
    /// Half of the rounds' ratios are between these.
    pub(crate) spread: [f64; 2],
}

impl Beside {
    pub(crate) fn new(floor: &[f64], figure: &[f64]) -> Self {
        let ratios = sorted(floor.iter().zip(figure).map(|(floor, figure)| figure / floor));
        Self {
            floor: at(&sorted(floor.iter().copied()), 0.5),
            figure: at(&sorted(figure.iter().copied()), 0.5),
            ratio: at(&ratios, 0.5),
            spread: [at(&ratios, 0.25), at(&ratios, 0.75)],
        }
    }
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

/// The value below which that part of the sorted values is, between two of them in proportion; 0 of none.
pub(crate) fn at(sorted: &[f64], part: f64) -> f64 {
    let place = sorted.len().saturating_sub(1) as f64 * part;
    let below = sorted.get(place.floor() as usize).copied().unwrap_or_default();
    let above = sorted.get(place.ceil() as usize).copied().unwrap_or_default();
    below + (above - below) * place.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_take_turns_and_the_first_round_is_thrown_away() {
        let order = std::cell::RefCell::new(String::new());
        let contestant = |name| {
            let order = &order;
            move || {
                order.borrow_mut().push(name);
                Ok(order.borrow().len())
            }
        };
        let (mut a, mut b) = (contestant('a'), contestant('b'));
        let samples = in_turn(2, [&mut a, &mut b]).unwrap();
        assert_eq!(samples, [[3, 5], [4, 6]]);
        assert_eq!(*order.borrow(), "ababab");
    }

    #[test]
    fn ratios_are_of_the_same_round() {
        // A machine that gets slower: the ratio is 2 throughout.
        let beside = Beside::new(&[1.0, 2.0, 40.0], &[2.0, 4.0, 80.0]);
        assert_eq!((beside.floor, beside.figure), (2.0, 4.0));
        assert_eq!((beside.ratio, beside.spread), (2.0, [2.0, 2.0]));
    }

    #[test]
    fn parts_are_between_values() {
        assert_eq!(at(&[1.0, 2.0, 3.0, 4.0], 0.5), 2.5);
        assert_eq!(at(&[1.0, 2.0], 0.99), 1.99);
        assert_eq!(at(&[7.0], 0.25), 7.0);
        assert_eq!(at(&[], 0.5), 0.0);
    }

    #[test]
    fn processor_time_is_of_one_operation() {
        let mut work = Repeated::new(Duration::from_millis(2), || {
            std::hint::black_box((0..1000u64).map(std::hint::black_box).sum::<u64>());
            Ok(())
        })
        .unwrap();
        let micros = work.micros().unwrap();
        assert!(micros > 0.0 && micros < 1e5, "{micros}");
    }
}
