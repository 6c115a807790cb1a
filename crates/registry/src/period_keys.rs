//! Secret keys of the installation that change by themselves: each period has one, made by whoever first asks.

use turnpike_domain::Error;

use crate::commit::unavailable;
use crate::keys;
use crate::registry::Registry;
use crate::store::{Precondition, Write};

/// How long before a period begins its key is known: a process whose clock is ahead uses it already.
const AHEAD_SECONDS: i64 = 3600;

impl Registry {
    /// The keys named `name` of this period, the one before, and, when that is near, the next: 32 random bytes each,
    /// the same for every process over one store. What is made goes with the first; any may have been used. A period is
    /// so many seconds long, and more than two hours; to be asked again well within one.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`], [`Error::Internal`].
    pub async fn period_keys(
        &self,
        name: &str,
        period_seconds: i64,
    ) -> Result<Vec<[u8; 32]>, Error> {
        let now = self.now();
        let period = now.seconds().div_euclid(period_seconds);
        let next = now.plus_seconds(AHEAD_SECONDS).seconds().div_euclid(period_seconds);
        let named = |period: i64| format!("{name}-{period}");
        let mut all = vec![self.system_key(&named(period)).await?];
        // None is made for a time that is over.
        if let Some(before) = self.get(&keys::system(&named(period - 1))).await? {
            all.push(<[u8; 32]>::try_from(before.body.as_slice()).map_err(Error::internal)?);
        }
        if next != period {
            all.push(self.system_key(&named(next)).await?);
        }
        let old = Write::Delete {
            key: keys::system(&named(period - 2)),
            precondition: Precondition::Any,
        };
        self.store.commit(&[old]).await.map_err(unavailable)?;
        Ok(all)
    }
}
