//! What was measured, as a table.

use std::fmt::Write as _;
use std::time::Duration;

use test_programs::relay::Traffic;

use super::bed::Kind;
use super::job::Job;
use super::tool::Tool;
use crate::bench::measure::median;

/// One run of a tool.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measurement {
    pub(super) time: Duration,
    pub(super) traffic: Traffic,
}

/// The runs of a tool on a job.
#[derive(Default)]
pub(super) struct Runs {
    good: Vec<Measurement>,
    failed: usize,
}

impl Runs {
    pub(super) fn add(&mut self, outcome: Option<Measurement>) {
        match outcome {
            Some(measured) => self.good.push(measured),
            None => self.failed += 1,
        }
    }

    /// Returns the columns from the seconds on.
    fn columns(&self) -> String {
        if self.good.is_empty() {
            return "failed | | |".to_owned();
        }
        let middle = |value: fn(&Traffic) -> u64| {
            let mut values: Vec<u64> = self.good.iter().map(|run| value(&run.traffic)).collect();
            values.sort_unstable();
            values.get(values.len() / 2).copied().unwrap_or_default()
        };
        let time = median(self.good.iter().map(|run| run.time).collect());
        let failed = match self.failed {
            0 => String::new(),
            failed => format!(" ({failed} of {} failed)", failed + self.good.len()),
        };
        format!(
            "{}{failed} | {} | {} | {}",
            seconds(time),
            middle(|traffic| traffic.turns),
            middle(|traffic| traffic.to_board),
            middle(|traffic| traffic.to_host)
        )
    }
}

/// All runs on one kind of board.
pub(super) struct Table {
    kind: Kind,
    rows: Vec<(Job, Tool, Runs)>,
}

impl Table {
    pub(super) fn new(kind: Kind) -> Table {
        Table {
            kind,
            rows: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, job: Job, tool: Tool, outcome: Option<Measurement>) {
        let row = self
            .rows
            .iter_mut()
            .find(|row| (row.0, row.1) == (job, tool));
        match row {
            Some((_, _, runs)) => runs.add(outcome),
            None => {
                let mut runs = Runs::default();
                runs.add(outcome);
                self.rows.push((job, tool, runs));
            }
        }
    }

    pub(super) fn markdown(&self) -> String {
        let mut text = format!(
            "| {} | tool | seconds | turns | bytes sent | bytes received |\n|---|---|---|---|---|---|\n",
            self.kind.name()
        );
        for (job, tool, runs) in &self.rows {
            let _ = writeln!(
                text,
                "| {} | {} | {} |",
                job.name(),
                tool.name(),
                runs.columns()
            );
        }
        text
    }
}

fn seconds(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 10.0 {
        format!("{seconds:.2}")
    } else {
        format!("{seconds:.1}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_exclude_failed_runs() {
        let mut table = Table::new(Kind::Unix);
        for (seconds, turns) in [(1, 5), (12, 7), (14, 6)] {
            let measured = Measurement {
                time: Duration::from_secs(seconds),
                traffic: Traffic {
                    to_board: 300,
                    to_host: 20,
                    turns,
                },
            };
            table.add(Job::Ls, Tool::Piton, Some(measured));
        }
        table.add(Job::Ls, Tool::Piton, None);
        table.add(Job::Ls, Tool::Mpytool, None);
        let text = table.markdown();
        let rows: Vec<&str> = text.lines().skip(2).collect();
        assert_eq!(
            rows,
            [
                "| ls, 30 files | Piton | 12.0 (1 of 4 failed) | 6 | 300 | 20 |",
                "| ls, 30 files | mpytool | failed | | | |"
            ]
        );
    }
}
