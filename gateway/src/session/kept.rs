//! What a gateway has read of sessions, for a moment.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use turnpike_domain::ports::Clock;
use turnpike_domain::session::{Session, SessionId, SessionState};
use turnpike_domain::{Error, Timestamp};
use turnpike_registry::Registry;

use super::{NoSession, TRIES};

/// How long what was read of a session counts: so long one that was ended elsewhere may still be used.
pub(crate) const FRESH: Duration = Duration::from_secs(1);
/// More sessions than this are not remembered at once.
const MAX: usize = 16_384;

/// Reads sessions; what it read a moment ago it does not read again. Many calls of one session at once share a read.
pub(super) struct Kept {
    registry: Registry,
    clock: Arc<dyn Clock>,
    slots: Mutex<HashMap<SessionId, Slot>>,
}

struct Slot {
    read: Arc<tokio::sync::Mutex<Option<Read>>>,
    asked: Timestamp,
}

/// What was read, and when the reading began.
struct Read {
    session: Option<Arc<Session>>,
    time: Timestamp,
}

impl Kept {
    pub(super) fn new(registry: Registry, clock: Arc<dyn Clock>) -> Self {
        Self { registry, clock, slots: Mutex::default() }
    }

    /// The session of this key if it is good now. With `used` that is noted.
    pub(super) async fn live(&self, id: &SessionId, used: bool) -> Result<Arc<Session>, NoSession> {
        let slot = self.slot(id);
        let mut read = slot.lock().await;
        let now = self.clock.now();
        let fresh = read.as_ref().is_some_and(|read| is_fresh(read.time, now));
        if !fresh {
            *read = Some(Read { session: self.read(id, used, now).await?, time: now });
        }
        let session = read.as_ref().and_then(|read| read.session.clone());
        session.filter(|s| s.state_at(now) == SessionState::Live).ok_or(NoSession::Ended)
    }

    /// Forgets a session that this gateway has changed.
    pub(super) fn forget(&self, id: &SessionId) {
        self.slots().remove(id);
    }

    async fn read(
        &self,
        id: &SessionId,
        used: bool,
        now: Timestamp,
    ) -> Result<Option<Arc<Session>>, Error> {
        // That it is used must not be lost to something else of it that changes at the same moment.
        for _ in 0..TRIES {
            let Some(mut session) = self.registry.session(id).await? else { return Ok(None) };
            let live = session.value.state_at(now) == SessionState::Live;
            let late = used && live && session.value.see(now);
            if !late || self.registry.put_session(&session, None).await? {
                return Ok(Some(Arc::new(session.value)));
            }
        }
        Err(Error::Unavailable("others changed the session again and again".into()))
    }

    fn slot(&self, id: &SessionId) -> Arc<tokio::sync::Mutex<Option<Read>>> {
        let now = self.clock.now();
        let mut slots = self.slots();
        if slots.len() >= MAX && !slots.contains_key(id) {
            slots.retain(|_, slot| is_fresh(slot.asked, now));
            if slots.len() >= MAX {
                slots.clear();
            }
        }
        let slot =
            slots.entry(id.clone()).or_insert_with(|| Slot { read: Arc::default(), asked: now });
        slot.asked = now;
        Arc::clone(&slot.read)
    }

    fn slots(&self) -> MutexGuard<'_, HashMap<SessionId, Slot>> {
        // Nothing that runs under the lock leaves the map half changed.
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether something read at `time` counts at `now`. A clock that was set back ends all that was read before.
fn is_fresh(time: Timestamp, now: Timestamp) -> bool {
    let age = now.millis() - time.millis();
    (0..i64::try_from(FRESH.as_millis()).unwrap_or(0)).contains(&age)
}
