//! What was measured, as a table for the README.

use std::fmt::Write as _;

use super::job::Job;
use super::tool::Tool;
use super::{Line, Measurement};

/// All measurements.
#[derive(Default)]
pub(super) struct Table {
    cells: Vec<(Job, Tool, Line, Measurement)>,
}

impl Table {
    pub(super) fn add(&mut self, job: Job, tool: Tool, line: Line, measured: Measurement) {
        self.cells.push((job, tool, line, measured));
    }

    /// Writes one row for each job and tool. The lines share the columns of bytes, which differ by the sizes of
    /// windows at most: they are those of the last line but one, USB unless it was left out.
    pub(super) fn markdown(&self, lines: &[Line]) -> String {
        let names = lines
            .iter()
            .map(|line| line.name())
            .collect::<Vec<_>>()
            .join(" / ");
        let shown = lines.iter().rev().nth(1).or(lines.last());
        let mut text = format!(
            "| job | tool | seconds: {names} | turns: {names} | bytes sent | bytes received | wire bytes a byte |\n\
             |---|---|---|---|---|---|---|\n"
        );
        for job in Job::ALL {
            for tool in Tool::ALL {
                let cells: Vec<&Measurement> = lines
                    .iter()
                    .filter_map(|&line| self.find(job, tool, line))
                    .collect();
                let Some(bytes) = shown.and_then(|&line| self.find(job, tool, line)) else {
                    continue;
                };
                let _ = writeln!(
                    text,
                    "| {} | {} | {} | {} | {} | {} | {} |",
                    job.name(),
                    tool.name(),
                    joined(&cells, |cell| seconds(cell.time)),
                    joined(&cells, |cell| thousands(cell.traffic.turns)),
                    thousands(bytes.traffic.to_board),
                    thousands(bytes.traffic.to_host),
                    ratio(job, bytes)
                );
            }
        }
        text
    }

    fn find(&self, job: Job, tool: Tool, line: Line) -> Option<&Measurement> {
        let found = self
            .cells
            .iter()
            .find(|cell| (cell.0, cell.1, cell.2) == (job, tool, line));
        found.map(|cell| &cell.3)
    }
}

/// Returns the text of one measurement.
pub(super) fn one_line(job: Job, tool: Tool, line: Line, measured: Measurement) -> String {
    format!(
        "{:<9} {:<8} {:<24} {:>7} s {:>8} B sent {:>8} B received {:>6} turns {:>6}",
        line.name(),
        tool.name(),
        job.name(),
        seconds(measured.time),
        measured.traffic.to_board,
        measured.traffic.to_host,
        measured.traffic.turns,
        ratio(job, &measured)
    )
}

fn joined(cells: &[&Measurement], show: impl Fn(&Measurement) -> String) -> String {
    let shown: Vec<String> = cells.iter().map(|cell| show(cell)).collect();
    shown.join(" / ")
}

fn seconds(time: std::time::Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 1.0 {
        format!("{seconds:.2}")
    } else {
        format!("{seconds:.1}")
    }
}

/// Bytes on the wire, both ways, for each byte of the files.
fn ratio(job: Job, measured: &Measurement) -> String {
    let wire = measured.traffic.to_board + measured.traffic.to_host;
    job.payload().map_or_else(String::new, |payload| {
        format!("{:.2}", wire as f64 / payload as f64)
    })
}

fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::Traffic;
    use super::*;

    #[test]
    fn a_row_for_each_job_and_tool_that_was_measured() {
        let mut table = Table::default();
        let lines = [Line::Uart, Line::Usb];
        for (line, milliseconds) in [(Line::Uart, 31_640), (Line::Usb, 987)] {
            let measured = Measurement {
                time: Duration::from_millis(milliseconds),
                traffic: Traffic {
                    to_board: 297_363,
                    to_host: 961,
                    turns: 2449,
                },
            };
            table.add(Job::RandomUp, Tool::Mpremote, line, measured);
        }
        let text = table.markdown(&lines);
        let row = text.lines().nth(2).unwrap();
        assert_eq!(
            row,
            "| 100 KiB random, up | mpremote | 31.6 / 0.99 | 2,449 / 2,449 | 297,363 | 961 | 2.91 |"
        );
        assert_eq!(text.lines().count(), 3);
    }
}
