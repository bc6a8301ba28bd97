//! What was measured, as tables: for people, as JSON, and as the file that is kept.

use std::fmt::Write as _;
use std::path::Path;

use comfy_table::{CellAlignment, LineStyle, presets};
use serde::{Serialize, Serializer};

use super::Options;
use super::machine::Machine;

/// One cell of a table.
#[derive(Debug, Clone)]
pub(crate) enum Cell {
    Text(String),
    /// A number, and how many digits of it are shown behind the point.
    Number(f64, usize),
    /// Not measured, or not to be said of this line.
    Nothing,
}

impl Cell {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub(crate) fn number(number: f64, digits: usize) -> Self {
        Self::Number(number, digits)
    }

    fn shown(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(number, 0) => thousands(*number),
            Self::Number(number, digits) => format!("{number:.digits$}"),
            Self::Nothing => String::new(),
        }
    }
}

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Number(number, _) => serializer.serialize_f64(*number),
            Self::Nothing => serializer.serialize_none(),
        }
    }
}

/// `12,345`
fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut shown = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 && digit.is_ascii_digit() {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// What one part measured.
#[derive(Debug, Serialize)]
pub(crate) struct Table {
    part: &'static str,
    title: String,
    columns: Vec<String>,
    lines: Vec<Vec<Cell>>,
    /// What one has to know of it: commands, what was off, what it rests on.
    notes: Vec<String>,
}

impl Table {
    pub(crate) fn new(part: &'static str, title: &str, columns: &[&str]) -> Self {
        let columns = columns.iter().map(|&column| column.to_owned()).collect();
        Self { part, title: title.to_owned(), columns, lines: Vec::new(), notes: Vec::new() }
    }

    pub(crate) fn line(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.lines.push(cells.into_iter().collect());
    }

    pub(crate) fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    fn for_terminal(&self) -> comfy_table::Table {
        let mut table = comfy_table::Table::new();
        table.load_style(presets::NOTHING.header_separator(LineStyle::none().fill('-').junction('-')));
        table.set_header(&self.columns);
        for line in &self.lines {
            table.add_row(line.iter().map(|cell| {
                let right = matches!(cell, Cell::Number(..));
                comfy_table::Cell::new(cell.shown()).set_alignment(if right {
                    CellAlignment::Right
                } else {
                    CellAlignment::Left
                })
            }));
        }
        table
    }

    fn as_markdown(&self) -> String {
        let mut text = format!("## {}\n\n", self.title);
        let mut row = |cells: Vec<String>| {
            let _ = writeln!(text, "| {} |", cells.join(" | "));
        };
        row(self.columns.clone());
        let numbers = |column: usize| self.lines.iter().any(|line| matches!(line.get(column), Some(Cell::Number(..))));
        row((0..self.columns.len()).map(|column| if numbers(column) { "---:" } else { "---" }.to_owned()).collect());
        self.lines.iter().for_each(|line| row(line.iter().map(Cell::shown).collect()));
        if !self.notes.is_empty() {
            text.push('\n');
            self.notes.iter().for_each(|note| {
                let _ = writeln!(text, "- {note}");
            });
        }
        text
    }
}

/// All of it.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    machine: Machine,
    tables: Vec<Table>,
}

impl Report {
    pub(crate) fn of(machine: Machine) -> Self {
        Self { machine, tables: Vec::new() }
    }

    pub(crate) fn add(&mut self, table: Table) {
        self.tables.push(table);
    }

    fn where_and_when(&self) -> String {
        let Machine { date, cpu, cores, kernel, boxoffice, wrk } = &self.machine;
        format!("{date}, {cpu}, {cores} cores, Linux {kernel}; boxoffice {boxoffice}, {wrk}")
    }

    /// On stdout, for people.
    pub(crate) fn print(&self) {
        println!("{}", self.where_and_when());
        for table in &self.tables {
            println!("\n{}\n{}", table.title, table.for_terminal());
            table.notes.iter().for_each(|note| println!("  {note}"));
        }
    }

    /// In the files that the options name.
    pub(crate) fn keep(&self, options: &Options) -> Result<(), String> {
        let write = |path: &Path, text: String| {
            std::fs::write(path, text).map_err(|error| format!("{} cannot be written: {error}", path.display()))
        };
        if let Some(path) = &options.json {
            write(path, serde_json::to_string_pretty(self).map_err(|error| error.to_string())? + "\n")?;
        }
        let Some(path) = &options.results else { return Ok(()) };
        let mut text = format!(
            "# What it costs\n\nWritten by `make bench`; do not edit. {}.\n\nFigures of one machine: what counts are ratios, of \
             servers that were loaded in turn in the same run.\n",
            self.where_and_when()
        );
        self.tables.iter().for_each(|table| {
            let _ = write!(text, "\n{}", table.as_markdown());
        });
        if let Some(micro) = &options.micro {
            let said = std::fs::read_to_string(micro).map_err(|error| format!("{}: {error}", micro.display()))?;
            let _ = write!(text, "\n## In process\n\n```\n{}\n```\n", said.trim_end());
        }
        write(path, text)
    }
}
