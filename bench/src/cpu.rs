//! What a process has spent, as Linux counts it.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use crate::Failure;

/// Processor time of all threads that a process has now, to the nanosecond. A thread that runs is behind by up to a few
/// milliseconds: its time is booked when it stops.
pub(crate) fn spent(process: u32) -> Result<Duration, Failure> {
    threads(&Path::new("/proc").join(process.to_string()))
}

/// Processor time of all threads that this process has now. To be called by the only thread that is busy.
pub(crate) fn spent_here() -> Result<Duration, Failure> {
    // Whoever sleeps has stopped.
    thread::sleep(Duration::from_micros(1));
    threads(Path::new("/proc/self"))
}

/// Memory of a process that is in use and not swapped out, shared pages of its own binary included, in bytes.
pub(crate) fn resident(process: u32) -> Result<u64, Failure> {
    let path = format!("/proc/{process}/status");
    let status = read(Path::new(&path))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    Ok(kilobytes.ok_or_else(|| format!("{path} does not say VmRSS"))? * 1024)
}

fn threads(process: &Path) -> Result<Duration, Failure> {
    let mut nanos = 0;
    let folder = process.join("task");
    let threads = fs::read_dir(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    for thread in threads {
        // A thread may end in between.
        let Ok(text) = read(&thread?.path().join("schedstat")) else { continue };
        let spent = text.split(' ').next().and_then(|nanos| nanos.parse::<u64>().ok());
        nanos += spent.ok_or("schedstat does not begin with a number")?;
    }
    Ok(Duration::from_nanos(nanos))
}

fn read(path: &Path) -> Result<String, Failure> {
    Ok(fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?)
}
