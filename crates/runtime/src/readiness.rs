//! Whether a process can do its work now: what `/readyz` and `grpc.health.v1` say.
//!
//! A process that ends its calls, or lacks something that it cannot work without, is not ready, and whoever spreads
//! calls turns to others. What every replica would lack at once, and some work can be done without, only has to be
//! there at the beginning: else all of them would be taken out together, and nobody would do even that.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::server::{Drain, Phase};

/// What a process needs, and whether it has it. Clones share it.
#[derive(Clone, Debug)]
pub struct Readiness(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    drain: Drain,
    needs: Vec<Need>,
}

/// Something that a process needs.
pub struct Need {
    name: &'static str,
    always: bool,
    had: AtomicBool,
    has: Box<dyn Fn() -> bool + Send + Sync>,
}

impl Need {
    /// Without this no call can be served: a process that lacks it is not ready.
    pub fn always(name: &'static str, has: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self { name, always: true, had: AtomicBool::new(false), has: Box::new(has) }
    }

    /// This has to be there once; some calls can be served without it later.
    pub fn at_start(name: &'static str, has: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self { always: false, ..Self::always(name, has) }
    }

    fn look(&self) -> Look {
        if (self.has)() {
            self.had.store(true, Ordering::Relaxed);
            return Look::There;
        }
        if self.always || !self.had.load(Ordering::Relaxed) { Look::Lacks } else { Look::Without }
    }
}

impl fmt::Debug for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Need").field(&self.name).finish()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    There,
    Lacks,
    Without,
}

/// How a process is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Whether calls should come to it.
    pub ready: bool,
    /// The names of what it lacks, whether it can do without or not.
    pub lacks: Vec<&'static str>,
}

impl Readiness {
    /// Of a process that needs this, and that `drain` ends.
    pub fn new(drain: Drain, needs: Vec<Need>) -> Self {
        Self(Arc::new(Inner { drain, needs }))
    }

    /// How the process is now.
    pub fn state(&self) -> State {
        let Inner { drain, needs } = self.0.as_ref();
        let mut state = State { ready: drain.phase() == Phase::Serving, lacks: Vec::new() };
        if !state.ready {
            state.lacks.push("stopping");
        }
        for need in needs {
            let look = need.look();
            state.ready &= look != Look::Lacks;
            if look != Look::There {
                state.lacks.push(need.name);
            }
        }
        state
    }

    /// What ends the process.
    pub fn drain(&self) -> &Drain {
        &self.0.drain
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_done_without_must_be_there_once() {
        let (log, peers) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let has = |flag: &Arc<AtomicBool>| {
            let flag = flag.clone();
            move || flag.load(Ordering::Relaxed)
        };
        let drain = Drain::new();
        let needs = vec![Need::always("log", has(&log)), Need::at_start("peers", has(&peers))];
        let readiness = Readiness::new(drain.clone(), needs);
        let state = |ready, lacks: &[&'static str]| State { ready, lacks: lacks.to_vec() };
        assert_eq!(readiness.state(), state(false, &["log", "peers"]));
        log.store(true, Ordering::Relaxed);
        assert_eq!(readiness.state(), state(false, &["peers"]));
        peers.store(true, Ordering::Relaxed);
        assert_eq!(readiness.state(), state(true, &[]));
        peers.store(false, Ordering::Relaxed);
        assert_eq!(readiness.state(), state(true, &["peers"]));
        log.store(false, Ordering::Relaxed);
        assert_eq!(readiness.state(), state(false, &["log", "peers"]));
        log.store(true, Ordering::Relaxed);
        drain.advance(Phase::Leaving);
        assert_eq!(readiness.state(), state(false, &["stopping", "peers"]));
    }
}
