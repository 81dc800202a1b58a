//! Ratios, measured in one interleaved run, and the most that each may be.
//!
//! A round runs every program once; a ratio is the median over the rounds of the ratios within a round, so that a machine
//! that is slow for a while is slow for both sides.

use crate::programs::Program;

/// `[--quick] [--slack 1.5]`: the second lets a bar be missed by half, for a busy machine.
pub(crate) struct Options {
    /// Rounds of what takes milliseconds.
    pub(crate) rounds: usize,
    /// Rounds of what takes up to a second.
    pub(crate) long_rounds: usize,
    /// By how much a bar may be exceeded.
    pub(crate) slack: f64,
    pub(crate) is_quick: bool,
}

impl Options {
    pub(crate) fn read(arguments: &[&str]) -> Result<Self, String> {
        let mut options = Self {
            rounds: 101,
            long_rounds: 11,
            slack: 1.0,
            is_quick: false,
        };
        let mut rest = arguments.iter();
        while let Some(&argument) = rest.next() {
            match argument {
                "--quick" => (options.rounds, options.long_rounds, options.is_quick) = (31, 3, true),
                "--slack" => {
                    let value = rest.next().and_then(|value| value.parse().ok());
                    options.slack = value.ok_or("--slack takes a number")?;
                }
                other => return Err(format!("unknown argument {other}")),
            }
        }
        Ok(options)
    }
}

/// A figure, mostly a ratio, and the most that it may be.
pub(crate) struct Bar {
    pub(crate) what: &'static str,
    pub(crate) ratio: f64,
    pub(crate) bar: Option<f64>,
}

impl Bar {
    pub(crate) fn new(what: &'static str, ratio: f64, bar: impl Into<Option<f64>>) -> Self {
        let bar = bar.into();
        Self { what, ratio, bar }
    }
}

/// Prints them all, and says whether all are within their bars.
pub(crate) fn print(bars: &[Bar], options: &Options) -> bool {
    println!("\n{:<58} {:>9} {:>9}", "ratio", "measured", "at most");
    let mut met = true;
    for Bar { what, ratio, bar } in bars {
        let allowed = bar.map_or(String::new(), |bar| format!("{bar:.2}"));
        let missed = bar.is_some_and(|bar| *ratio > bar * options.slack);
        met &= !missed;
        println!(
            "{what:<58} {ratio:>9.2} {allowed:>9}{}",
            if missed { "  MISSED" } else { "" }
        );
    }
    met
}

/// Seconds by round and program.
pub(crate) struct Times {
    rounds: Vec<Vec<f64>>,
}

impl Times {
    /// Runs the programs in turns, after a round that is not counted, and prints the median of each.
    pub(crate) fn take(rounds: usize, programs: &[Program]) -> Result<Self, String> {
        for program in programs {
            program.verify()?;
        }
        let round = |_| programs.iter().map(|program| program.time().as_secs_f64()).collect();
        let times = Self {
            rounds: (0..rounds).map(round).collect(),
        };
        println!();
        for (index, program) in programs.iter().enumerate() {
            println!("{:<58} {:>9.2} ms", program.name, times.median(index) * 1e3);
        }
        Ok(times)
    }

    pub(crate) fn median(&self, index: usize) -> f64 {
        self.median_of(|round| round[index])
    }

    pub(crate) fn ratio(&self, index: usize, to: usize) -> f64 {
        self.median_of(|round| round[index] / round[to])
    }

    pub(crate) fn median_of(&self, value: impl Fn(&[f64]) -> f64) -> f64 {
        median(self.rounds.iter().map(|round| value(round)).collect())
    }
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
