//! What the demo prints.

use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressStyle};

/// Columns before the values.
const NAMES: usize = 34;

/// What comes next.
pub(crate) fn title(what: &str) {
    println!("\n{what}\n{}", "-".repeat(what.len()));
}

/// One figure.
pub(crate) fn row(name: &str, value: &str) {
    println!("{name:<NAMES$}{value}");
}

/// How far it is; on a terminal only.
pub(crate) fn progress(steps: u32, of: &'static str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} {msg} ({elapsed})");
    let bar = ProgressBar::new(steps.into()).with_message(of);
    style.map_or_else(|_| ProgressBar::hidden(), |style| bar.with_style(style))
}
