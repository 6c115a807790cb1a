//! What comes out: a table for people, a file for machines.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Serialize, Serializer};

use crate::Failure;
use crate::measure::Beside;

/// One subject beside its floor.
#[derive(Serialize)]
pub(crate) struct Row {
    pub(crate) subject: &'static str,
    pub(crate) unit: &'static str,
    floor: f64,
    figure: f64,
    ratio: f64,
    spread: [f64; 2],
    budget: Option<Budget>,
}

/// What a subject may cost.
#[derive(Clone, Copy)]
pub(crate) enum Budget {
    /// The figure itself, in the row's unit.
    Figure(f64),
    /// At least so many times the floor.
    RatioAtLeast(f64),
    /// At most so many times the floor.
    RatioAtMost(f64),
}

impl Row {
    pub(crate) fn new(
        subject: &'static str,
        unit: &'static str,
        beside: Beside,
        budget: Option<Budget>,
    ) -> Self {
        let Beside { floor, figure, ratio, spread } = beside;
        Self { subject, unit, floor, figure, ratio, spread, budget }
    }

    fn verdict(&self) -> &'static str {
        let kept = match self.budget {
            None => return "",
            Some(Budget::Figure(most)) => self.figure <= most,
            Some(Budget::RatioAtLeast(least)) => self.ratio >= least,
            Some(Budget::RatioAtMost(most)) => self.ratio <= most,
        };
        if kept { "kept" } else { "MISSED" }
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Figure(most) => write!(f, "<= {}", digits(*most)),
            Self::RatioAtLeast(least) => write!(f, ">= {least}x"),
            Self::RatioAtMost(most) => write!(f, "<= {most}x"),
        }
    }
}

impl Serialize for Budget {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Prints the rows as a table in Markdown, as docs/performance.md has it.
pub(crate) fn table(rows: &[Row]) {
    let head = ["subject", "unit", "floor", "figure", "ratio", "half of the rounds", "budget", ""];
    let mut lines = vec![head.map(str::to_owned)];
    for row in rows {
        lines.push([
            row.subject.to_owned(),
            row.unit.to_owned(),
            digits(row.floor),
            digits(row.figure),
            format!("{}x", digits(row.ratio)),
            format!("{} to {}", digits(row.spread[0]), digits(row.spread[1])),
            row.budget.map(|budget| budget.to_string()).unwrap_or_default(),
            row.verdict().to_owned(),
        ]);
    }
    let mut widths = [3; 8];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = cell.len().max(*width);
        }
    }
    lines.insert(1, widths.map(|width| "-".repeat(width)));
    for line in lines {
        let cells = line.iter().zip(widths).map(|(cell, width)| format!(" {cell:width$} |"));
        print(&format!("|{}", cells.collect::<String>()));
    }
}

/// Writes the rows to that file in `target/bench`.
pub(crate) fn summary(rows: &[Row], name: &str) -> Result<(), Failure> {
    let path = folder()?.join(name);
    let text = serde_json::to_string_pretty(rows)?;
    std::fs::write(&path, text + "\n").map_err(|e| format!("{}: {e}", path.display()))?;
    Ok(())
}

/// The folder of what is measured and made meanwhile: on a disk, where a temporary folder may be memory.
pub(crate) fn folder() -> Result<PathBuf, Failure> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench");
    std::fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    Ok(folder)
}

/// Three digits that count.
fn digits(value: f64) -> String {
    let before = value.abs().max(1e-6).log10().floor() as i32;
    format!("{value:.*}", usize::try_from(2 - before).unwrap_or(0))
}

#[expect(clippy::print_stdout, reason = "the table is what it is run for")]
fn print(line: &str) {
    println!("{line}");
}

/// A line for whoever waits.
#[expect(clippy::print_stderr, reason = "words for people go there")]
pub(crate) fn note(line: &str) {
    eprintln!("{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(ratio: f64, budget: Option<Budget>) -> Row {
        let beside = Beside { floor: 2.0, figure: 2.0 * ratio, ratio, spread: [ratio; 2] };
        Row::new("a", "us", beside, budget)
    }

    #[test]
    fn budgets_are_held() {
        let verdict = |ratio, budget| row(ratio, Some(budget)).verdict();
        assert_eq!(verdict(1.1, Budget::RatioAtMost(1.1)), "kept");
        assert_eq!(verdict(1.2, Budget::RatioAtMost(1.1)), "MISSED");
        assert_eq!(verdict(3.0, Budget::RatioAtLeast(3.0)), "kept");
        assert_eq!(verdict(2.9, Budget::RatioAtLeast(3.0)), "MISSED");
        assert_eq!(verdict(0.1, Budget::Figure(0.2)), "kept");
        assert_eq!(verdict(0.11, Budget::Figure(0.2)), "MISSED");
        assert_eq!(row(9.0, None).verdict(), "");
    }

    #[test]
    fn a_row_is_what_others_read() {
        let json = serde_json::to_value(row(1.5, Some(Budget::RatioAtMost(1.1)))).unwrap();
        let expected = serde_json::json!({
            "subject": "a", "unit": "us", "floor": 2.0, "figure": 3.0, "ratio": 1.5,
            "spread": [1.5, 1.5], "budget": "<= 1.1x",
        });
        assert_eq!(json, expected);
        assert!(serde_json::to_value(row(1.5, None)).unwrap()["budget"].is_null());
    }

    #[test]
    fn three_digits_count() {
        let written = [0.0, 0.0123, 0.5, 1.06, 16.04, 242.3, 30_000.0].map(digits);
        assert_eq!(written, ["0.00000000", "0.0123", "0.500", "1.06", "16.0", "242", "30000"]);
    }
}
