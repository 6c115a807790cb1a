//! Keys by which gateways sign who calls, published for services to read. Not a change of the registry: none of it is in
//! the log.

use turnpike_domain::{Error, Timestamp};

use crate::commit::unavailable;
use crate::keys;
use crate::registry::Registry;
use crate::store::{IndexKey, Item, Precondition, Source, Write};

/// The public half of a key by which a gateway signs who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssertionKey {
    /// Its name.
    pub key_id: String,
    /// The key.
    pub public_key: Vec<u8>,
    /// Until when it is good.
    pub expire_time: Timestamp,
}

impl Registry {
    /// Publishes a key, or moves its end.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`].
    pub async fn put_assertion_key(&self, key: &AssertionKey) -> Result<(), Error> {
        let AssertionKey { key_id, public_key, expire_time } = key;
        let item = Item {
            key: keys::assertion_key(key_id),
            index1: Some(IndexKey::new(keys::EXPIRING, keys::at(*expire_time, key_id))),
            index2: None,
            // Who forgets what has ended sees by it that the end was moved meanwhile.
            version: u64::try_from(expire_time.millis()).unwrap_or(0),
            body: public_key.clone(),
        };
        let write = Write::Put { item, precondition: Precondition::Any };
        self.store.commit(&[write]).await.map_err(unavailable)
    }

    /// The keys that are good now.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`].
    pub async fn assertion_keys(&self) -> Result<Vec<AssertionKey>, Error> {
        let now = self.now();
        let items = self.query_all(Source::Table, keys::ASSERTION_KEYS, "").await?;
        let key = |item: Item| AssertionKey {
            key_id: item.key.sk,
            public_key: item.body,
            expire_time: item.index1.map_or(now, |place| keys::time_at(&place.sk)),
        };
        Ok(items.into_iter().map(key).filter(|key| now < key.expire_time).collect())
    }
}
