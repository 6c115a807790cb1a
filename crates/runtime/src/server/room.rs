//! Room for requests that are not whole yet: a message is held until its last byte is there, whoever sends it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What one connection may have the process hold of requests that are not whole yet, within what all connections may.
/// Clones share it.
#[derive(Clone, Debug)]
pub struct Room(Arc<OfConnection>);

#[derive(Debug)]
struct OfConnection {
    bytes: Share,
    process: Arc<OfProcess>,
}

/// What all connections may.
#[derive(Debug)]
pub(super) struct OfProcess {
    strangers: Share,
    known: Share,
}

/// For whom something is held: strangers cannot take what is kept for people who are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum For {
    /// A caller with a session.
    Known,
    /// A caller of whom nothing has been verified.
    Stranger,
}

/// There is no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// What one request takes; given back when this is dropped.
#[derive(Debug)]
pub struct Taken {
    room: Room,
    whose: For,
    bytes: usize,
}

#[derive(Debug)]
struct Share {
    limit: usize,
    used: AtomicUsize,
}

impl OfProcess {
    /// So many bytes for strangers, and as many again for those who are known.
    pub(super) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { strangers: Share::new(limit), known: Share::new(limit) })
    }
}

impl Room {
    /// That of one connection, with `limit` bytes.
    pub(super) fn new(limit: usize, process: Arc<OfProcess>) -> Self {
        Self(Arc::new(OfConnection { bytes: Share::new(limit), process }))
    }

    /// Room for a request, of which nothing is there yet.
    pub fn enter(&self, whose: For) -> Taken {
        Taken { room: self.clone(), whose, bytes: 0 }
    }
}

impl Taken {
    /// Takes as many `bytes` as the request has held now, in place of what it took before.
    ///
    /// # Errors
    ///
    /// [`Full`]: it has what it had.
    pub fn hold(&mut self, bytes: usize) -> Result<(), Full> {
        let OfConnection { bytes: own, .. } = self.room.0.as_ref();
        if let Some(more) = bytes.checked_sub(self.bytes) {
            own.take(more)?;
            if let Err(full) = self.of_process().take(more) {
                own.give_back(more);
                return Err(full);
            }
        } else {
            let less = self.bytes - bytes;
            own.give_back(less);
            self.of_process().give_back(less);
        }
        self.bytes = bytes;
        Ok(())
    }

    fn of_process(&self) -> &Share {
        let OfProcess { strangers, known } = self.room.0.process.as_ref();
        match self.whose {
            For::Known => known,
            For::Stranger => strangers,
        }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.room.0.bytes.give_back(self.bytes);
        self.of_process().give_back(self.bytes);
    }
}

impl Share {
    const fn new(limit: usize) -> Self {
        Self { limit, used: AtomicUsize::new(0) }
    }

    fn take(&self, bytes: usize) -> Result<(), Full> {
        let room = |used: usize| used.checked_add(bytes).filter(|used| *used <= self.limit);
        let taken = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room);
        taken.map(drop).map_err(|_| Full)
    }

    fn give_back(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_has_its_share_and_all_have_theirs() {
        let process = OfProcess::new(10);
        let [a, b] = [6, 6].map(|limit| Room::new(limit, process.clone()));
        let (mut first, mut second) = (a.enter(For::Stranger), a.enter(For::Stranger));
        first.hold(4).unwrap();
        assert_eq!(second.hold(3), Err(Full), "of the connection");
        second.hold(2).unwrap();
        let mut third = b.enter(For::Stranger);
        assert_eq!(third.hold(5), Err(Full), "of all");
        third.hold(4).unwrap();
        b.enter(For::Known).hold(2).unwrap();
        first.hold(1).unwrap();
        assert_eq!(third.hold(7), Err(Full), "of its own connection");
        third.hold(6).unwrap();
        drop((first, second, third));
        for share in [&a.0.bytes, &b.0.bytes, &process.strangers, &process.known] {
            assert_eq!(share.used.load(Ordering::Relaxed), 0);
        }
    }
}
