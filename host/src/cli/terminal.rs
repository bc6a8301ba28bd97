//! What people see: tables on stdout, and signs of life on stderr where that is a terminal.

use std::io::IsTerminal as _;
use std::time::Duration;

use comfy_table::{LineStyle, Table, presets};
use indicatif::{ProgressBar, ProgressStyle};

use crate::wasm::turns_text;

/// How often a spinner turns.
const TURN: Duration = Duration::from_millis(100);

/// A table without lines, but for one below its header.
pub(super) fn table() -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING.header_separator(LineStyle::none().fill('-').junction('-')));
    table
}

/// Turns, and says what is being done and for how long.
pub(super) fn spinner(what: &str) -> Option<ProgressBar> {
    if !std::io::stderr().is_terminal() {
        return None;
    }
    let spinner = ProgressBar::new_spinner().with_style(turning(what)?);
    spinner.enable_steady_tick(TURN);
    Some(spinner)
}

/// Turns, and says what is being done, which whoever does it can change (`set_message`), and for how long.
pub(super) fn steps(first: &'static str) -> Option<ProgressBar> {
    if !std::io::stderr().is_terminal() {
        return None;
    }
    let spinner = ProgressBar::new_spinner().with_style(turning("{msg}")?).with_message(first);
    spinner.enable_steady_tick(TURN);
    Some(spinner)
}

/// Fills up while bytes are sent, and then turns while the host works on them.
pub(super) fn sending(bytes: u64) -> Option<ProgressBar> {
    if !std::io::stderr().is_terminal() {
        return None;
    }
    let style = ProgressStyle::with_template("sending {binary_bytes} of {binary_total_bytes} {wide_bar}").ok()?;
    let bar = ProgressBar::new(bytes).with_style(style);
    bar.enable_steady_tick(TURN);
    Some(bar)
}

/// From now on it turns.
pub(super) fn sent(bar: &ProgressBar) {
    if let Some(style) = turning("the host compiles and checks it") {
        bar.set_style(style);
    }
}

fn turning(what: &str) -> Option<ProgressStyle> {
    ProgressStyle::with_template(&format!("{{spinner}} {what} ({{elapsed}})")).ok()
}

/// Text of somebody else's, fit for a terminal: what would control it is made visible.
pub(super) fn plain(text: &str) -> String {
    text.chars()
        .flat_map(|c| if c.is_control() || turns_text(c) { c.escape_unicode().collect() } else { vec![c] })
        .collect()
}
