//! A closed loop: so many callers, each of which asks again when it was answered.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::measure::at;
use crate::{Failure, cpu};

/// Connections of a caller that multiplexes, and calls in flight on each; a caller that does not has as many
/// connections as calls. How much a server can do at once decides what a request costs, so it is the same for all.
pub(crate) const CONNECTIONS: usize = 4;
pub(crate) const IN_FLIGHT: usize = 16;

/// Someone who calls a server, again and again.
pub(crate) trait Caller: Send + 'static {
    /// One call; an answer that is not the expected one is a failure.
    fn call(&mut self) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// What a server did under load.
pub(crate) struct Sample {
    /// Processor time of the server for one request, in microseconds.
    pub(crate) cpu: f64,
    /// Requests per second.
    pub(crate) rate: f64,
    /// 99 of 100 answers came sooner, in microseconds.
    pub(crate) p99: f64,
}

/// Loads the server of that process id for a while.
pub(crate) async fn sample<C: Caller>(
    process: u32,
    callers: Vec<C>,
    span: Duration,
) -> Result<Sample, Failure> {
    let mut callers = callers;
    for caller in &mut callers {
        caller.call().await?;
    }
    settle().await;
    let before = cpu::spent(process)?;
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for caller in callers {
        tasks.spawn(repeat(caller, began + span));
    }
    let (mut callers, mut times) = (Vec::new(), Vec::new());
    while let Some(done) = tasks.join_next().await {
        let (caller, mut took) = done??;
        callers.push(caller);
        times.append(&mut took);
    }
    let took = began.elapsed();
    settle().await;
    let spent = cpu::spent(process)?.saturating_sub(before);
    // Connections end here: what that costs is no request's.
    drop(callers);
    times.sort_by(f64::total_cmp);
    let count = times.len() as f64;
    Ok(Sample {
        cpu: spent.as_secs_f64() * 1e6 / count,
        rate: count / took.as_secs_f64(),
        p99: at(&times, 0.99),
    })
}

/// Calls until the time is over; how long each call took, in microseconds.
async fn repeat<C: Caller>(mut caller: C, end: Instant) -> Result<(C, Vec<f64>), Failure> {
    let mut times = Vec::new();
    let mut began = Instant::now();
    while began < end {
        caller.call().await?;
        let answered = Instant::now();
        times.push((answered - began).as_secs_f64() * 1e6);
        began = answered;
    }
    Ok((caller, times))
}

/// Lets the server's threads go to sleep, so that their time is booked.
async fn settle() {
    sleep(Duration::from_millis(10)).await;
}
