//! Sessions of people. They are not in the log: they begin, are used and end many times an hour. Only that somebody
//! ended one from elsewhere is, by [`Change::end_session`](crate::Change::end_session).

use std::future::ready;

use turnpike_domain::Error;
use turnpike_domain::session::{Session, SessionId, SignIn};

use crate::commit::unavailable;
use crate::hash::sha256_hex;
use crate::keys;
use crate::list::{Listed, Place};
use crate::record::{Versioned, kept, session};
use crate::registry::Registry;
use crate::store::{self, Item, Key, Precondition, Query, Source, Write};

impl Registry {
    /// A session. Sees every change acknowledged before.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`], [`Error::Internal`].
    pub async fn session(&self, id: &SessionId) -> Result<Option<Versioned<Session>>, Error> {
        self.get(&keys::session(id)).await?.as_ref().map(session::from_item).transpose()
    }

    /// Keeps a new session, and beside it `tokens`: what only its owner needs, and sealed by them.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`], [`Error::Internal`].
    pub async fn begin_session(&self, new: &Session, tokens: Option<&str>) -> Result<(), Error> {
        let mut writes = vec![Write::insert(session::to_item(&Versioned::new(new.clone()))?)];
        if let Some(tokens) = tokens {
            writes.push(put_tokens(new, tokens)?);
        }
        if let Some(key) = login_of(new) {
            let index1 = Some(keys::expiring(new.expire_time, &key));
            let item = Item { key, index1, index2: None, version: 1, body: Vec::new() };
            writes.push(Write::insert(item));
        }
        self.store.commit(&writes).await.map_err(unavailable)
    }

    /// Keeps a session over the revision it was read at, and with `tokens` those. Answers whether it did: if not,
    /// somebody else changed it meanwhile.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`]: it may have been kept all the same. [`Error::Internal`].
    pub async fn put_session(
        &self,
        next: &Versioned<Session>,
        tokens: Option<&str>,
    ) -> Result<bool, Error> {
        let mut writes = vec![Write::replace(session::to_item(next)?, next.version)];
        if let Some(tokens) = tokens {
            writes.push(put_tokens(&next.value, tokens)?);
        }
        if next.value.end.is_some() {
            writes.extend(forget_rest(&next.value));
        }
        match self.store.commit(&writes).await {
            Ok(()) => Ok(true),
            Err(store::Error::Precondition(_) | store::Error::Contended) => Ok(false),
            Err(error) => Err(unavailable(error)),
        }
    }

    /// What was kept beside a session.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`], [`Error::Internal`].
    pub async fn session_tokens(&self, id: &SessionId) -> Result<Option<String>, Error> {
        let item = self.get(&keys::session_tokens(id)).await?;
        item.map(|item| String::from_utf8(item.body).map_err(Error::internal)).transpose()
    }

    /// The sessions that began with a login of this name at this issuer and were not ended.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`], [`Error::Internal`].
    pub async fn sessions_of_login(
        &self,
        issuer: &str,
        login_id: &str,
    ) -> Result<Vec<SessionId>, Error> {
        let pk = keys::login(&login_hash(issuer, login_id));
        let items = self.query_all(Source::Table, &pk, "").await?;
        items.iter().map(|item| kept("session_id", SessionId::parse(&item.key.sk))).collect()
    }

    /// The sessions of a person, oldest first. May lag behind changes.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for a place of another list; [`Error::Unavailable`], [`Error::Internal`].
    pub async fn list_sessions(
        &self,
        person: &str,
        limit: usize,
        after: Option<Place>,
    ) -> Result<Listed<Versioned<Session>>, Error> {
        let query =
            Query::new(Source::Index2, keys::SESSIONS, limit).prefix(keys::sessions_of(person));
        self.scan(query, limit, after, |item: Item| ready(session::from_item(&item).map(Some)))
            .await
    }

    /// Notes that something was used that may be used once. Answers whether this was the first time. It is
    /// remembered for `seconds`.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`]: it may have been noted all the same. [`Error::Internal`].
    pub async fn use_once(&self, kind: &str, what: &str, seconds: i64) -> Result<bool, Error> {
        let key = keys::used(kind, &sha256_hex(what.as_bytes()));
        let end = self.now().plus_seconds(seconds);
        let item = Item {
            index1: Some(keys::expiring(end, &key)),
            index2: None,
            version: 1,
            body: Vec::new(),
            key,
        };
        match self.store.commit(&[Write::insert(item)]).await {
            Ok(()) => Ok(true),
            Err(store::Error::Precondition(_)) => Ok(false),
            Err(error) => Err(unavailable(error)),
        }
    }
}

fn put_tokens(of: &Session, tokens: &str) -> Result<Write, Error> {
    let key = keys::session_tokens(&of.session_id);
    let item = Item {
        index1: Some(keys::expiring(of.expire_time, &key)),
        index2: None,
        version: 1,
        body: tokens.as_bytes().to_vec(),
        key,
    };
    Ok(Write::Put { item, precondition: Precondition::Any })
}

/// The writes that forget what is of no use once a session has ended.
pub(crate) fn forget_rest(ended: &Session) -> Vec<Write> {
    let delete = |key| Write::Delete { key, precondition: Precondition::Any };
    let mut writes = vec![delete(keys::session_tokens(&ended.session_id))];
    writes.extend(login_of(ended).map(delete));
    writes
}

fn login_of(session: &Session) -> Option<Key> {
    match &session.sign_in {
        SignIn::Directory(entry) => {
            let id = entry.login_id.as_deref()?;
            let pk = keys::login(&login_hash(&entry.issuer, id));
            Some(Key::new(pk, session.session_id.as_str()))
        }
        SignIn::Link => None,
    }
}

/// Names of logins are the directory's: of any length, and any characters.
fn login_hash(issuer: &str, login_id: &str) -> String {
    sha256_hex(format!("{issuer}\u{1f}{login_id}").as_bytes())
}
