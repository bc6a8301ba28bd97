//! What the disk can do: how often it makes a small write durable.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::time::Duration;

use boxoffice::clock::Stopwatch;

use super::Bench;
use super::report::{Cell, Table};

/// Bytes of one write: a page of the database.
const PAGE: [u8; 4096] = [7; 4096];
const FOR: Duration = Duration::from_millis(500);

/// Writes one page again and again, each time synced, for half a second.
pub(crate) fn syncs_per_second(bench: &Bench) -> Result<f64, String> {
    let io = |error: std::io::Error| format!("the disk cannot be measured: {error}");
    let folder = tempfile::tempdir_in(&bench.folder).map_err(io)?;
    let file = File::create(folder.path().join("page")).map_err(io)?;
    let (watch, mut syncs) = (Stopwatch::start(), 0_u32);
    while watch.elapsed() < FOR {
        file.write_all_at(&PAGE, 0).map_err(io)?;
        file.sync_data().map_err(io)?;
        syncs += 1;
    }
    Ok(f64::from(syncs) / watch.elapsed().as_secs_f64())
}

pub(crate) fn measure(bench: &Bench) -> Result<Table, String> {
    bench.progress.say("how fast the disk syncs");
    let per_second = syncs_per_second(bench)?;
    let mut table = Table::new("disk", "The disk, alone", &["", "a second", "µs each"]);
    table.line([
        Cell::text("pwrite of 4 KiB and fdatasync"),
        Cell::number(per_second, 0),
        Cell::number(1e6 / per_second, 0),
    ]);
    Ok(table)
}
