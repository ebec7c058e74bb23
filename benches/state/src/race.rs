//! Contenders take turns in rounds, so that a noisy moment of the machine hits all of them.
//!
//! What not: no rows, no targets. Invariant: a ratio is formed within a round, from times taken right after one another.

use std::time::Instant;

/// One batch of work; returns nanoseconds for each operation.
pub type Contender<'a> = Box<dyn FnMut() -> f64 + 'a>;

/// Contenders by name, in the order in which they were added.
#[derive(Default)]
pub struct Race<'a> {
    contenders: Vec<(String, Contender<'a>)>,
}

/// What each contender took in each round.
pub struct Times {
    rounds: Vec<(String, Vec<f64>)>,
}

impl<'a> Race<'a> {
    /// Adds a contender.
    pub fn enter(&mut self, name: impl Into<String>, batch: impl FnMut() -> f64 + 'a) -> &mut Self {
        self.contenders.push((name.into(), Box::new(batch)));
        self
    }

    /// Lets each warm up once; then all take turns, forwards in even rounds and backwards in odd ones.
    pub fn run(&mut self, rounds: usize) -> Times {
        let mut taken: Vec<(String, Vec<f64>)> =
            self.contenders.iter().map(|(name, _)| (name.clone(), Vec::with_capacity(rounds))).collect();
        self.contenders.iter_mut().for_each(|(_, batch)| _ = batch());
        for round in 0..rounds {
            for turn in 0..self.contenders.len() {
                let at = if round % 2 == 0 { turn } else { self.contenders.len() - 1 - turn };
                taken[at].1.push(self.contenders[at].1());
            }
        }
        Times { rounds: taken }
    }
}

impl Times {
    /// The median of a contender's rounds, in nanoseconds for each operation.
    ///
    /// # Panics
    /// If there is no such contender.
    pub fn median(&self, name: &str) -> f64 {
        median(self.of(name).to_vec())
    }

    /// The median of the rounds' ratios of two contenders.
    ///
    /// # Panics
    /// If there is no such contender.
    pub fn ratio(&self, ours: &str, rival: &str) -> f64 {
        median(self.of(ours).iter().zip(self.of(rival)).map(|(ours, rival)| ours / rival).collect())
    }

    fn of(&self, name: &str) -> &[f64] {
        let found = self.rounds.iter().find(|(have, _)| have == name);
        found.map_or_else(|| panic!("no contender is called {name:?}"), |(_, rounds)| rounds)
    }
}

/// Times `count` operations together, so that the clock's own cost does not count.
pub fn nanoseconds_each(count: usize, operations: impl FnOnce()) -> f64 {
    let start = Instant::now();
    operations();
    start.elapsed().as_nanos() as f64 / count as f64
}

/// Not a number if there are none.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    if values.is_empty() {
        return f64::NAN;
    }
    values.sort_unstable_by(f64::total_cmp);
    let half = values.len() / 2;
    if values.len() % 2 == 1 { values[half] } else { (values[half - 1] + values[half]) / 2.0 }
}
