//! What a walk found, and how the walks go.

use serde::{Deserialize, Serialize};
use turnpike_domain::{Error, Timestamp};

use super::FieldDrift;
use crate::commit::unavailable;
use crate::keys;
use crate::list::{Listed, Place};
use crate::outbox::Subject;
use crate::record::{decode, encode};
use crate::registry::Registry;
use crate::store::{self, Item, Key, Precondition, Query, Source, Write};

/// How often a change of the walk's state is decided anew.
const TRIES: u32 = 12;

/// How the pool differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DriftKind {
    /// Both have it, and the pool says something else.
    Different,
    /// The pool does not have it.
    Missing,
    /// Only the pool has it.
    Unmanaged,
}

/// One object of which the pool says something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which object.
    pub subject: Subject,
    /// How it differs.
    pub kind: DriftKind,
    /// What the pool, or else the registry, calls it.
    pub name: String,
    /// What differs.
    pub fields: Vec<FieldDrift>,
    /// Since when.
    pub first_seen: Timestamp,
    /// When it was seen last.
    pub last_seen: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct Record {
    kind: DriftKind,
    name: String,
    fields: Vec<FieldDrift>,
    first_seen: i64,
    last_seen: i64,
}

/// How the walks go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WalkState {
    /// When the last one that reached its end began, in milliseconds since the epoch; 0 if none did.
    pub finished_start: i64,
    /// When it ended.
    pub finished_end: i64,
    /// How many objects it looked at.
    pub looked_at: u64,
    /// How many objects it found to differ, to be missing in the pool, and to be only there.
    #[serde(default)]
    pub found: [u64; 3],
    /// Until when one that goes on now has the right to.
    pub(crate) running_until: i64,
    /// Somebody asked for one.
    #[serde(default)]
    pub(crate) wanted: bool,
}

impl WalkState {
    /// Whether one goes on at `now`.
    pub const fn runs(&self, now: Timestamp) -> bool {
        now.millis() < self.running_until
    }
}

impl Registry {
    /// What was found, a page at a time, in the order of subjects.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for a place of another list; [`Error::Unavailable`], [`Error::Internal`].
    pub async fn list_drift(
        &self,
        kind: Option<DriftKind>,
        limit: usize,
        after: Option<Place>,
    ) -> Result<Listed<Finding>, Error> {
        let query = Query::new(Source::Table, keys::DRIFT, limit);
        self.scan(query, limit, after, |item: Item| {
            let finding = Finding::from_item(&item);
            std::future::ready(
                finding.map(|f| Some(f).filter(|f| kind.is_none_or(|k| k == f.kind))),
            )
        })
        .await
    }

    /// What was found of one object.
    async fn drift_of(&self, subject: &Subject) -> Result<Option<Finding>, Error> {
        let item = self.get(&finding_key(subject)).await?;
        item.as_ref().map(Finding::from_item).transpose()
    }

    /// Forgets what was found of an object, because it was mended.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`].
    pub async fn forget_drift(&self, subject: &Subject) -> Result<(), Error> {
        let write = Write::Delete { key: finding_key(subject), precondition: Precondition::Any };
        self.store().commit(&[write]).await.map_err(unavailable)
    }

    /// How the walks go.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`], [`Error::Internal`].
    pub async fn walk_state(&self) -> Result<WalkState, Error> {
        Ok(self.walk_record().await?.0)
    }

    /// Asks for a walk now; whoever walks finds the wish within seconds.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`], [`Error::Internal`].
    pub async fn want_walk(&self) -> Result<(), Error> {
        self.change_walk(|state| {
            let new = !state.wanted;
            state.wanted = true;
            new
        })
        .await
        .map(drop)
    }

    async fn walk_record(&self) -> Result<(WalkState, u64), Error> {
        Ok(match self.get(&walk_key()).await? {
            Some(item) => (decode(&item.body)?, item.version),
            None => (WalkState::default(), 0),
        })
    }

    /// Changes it if `change`, given what is there, says so; says whether it was changed. Who collides with
    /// others decides anew on what they left.
    pub(crate) async fn change_walk(
        &self,
        change: impl Fn(&mut WalkState) -> bool,
    ) -> Result<bool, Error> {
        for _ in 0..TRIES {
            let (mut state, version) = self.walk_record().await?;
            if !change(&mut state) {
                return Ok(false);
            }
            let item = Item {
                key: walk_key(),
                index1: None,
                index2: None,
                version: version + 1,
                body: encode(&state)?,
            };
            let write = match version {
                0 => Write::insert(item),
                _ => Write::replace(item, version),
            };
            match self.store().commit(&[write]).await {
                Ok(()) => return Ok(true),
                Err(store::Error::Precondition(_) | store::Error::Contended) => {}
                Err(error) => return Err(unavailable(error)),
            }
        }
        Err(Error::Unavailable("others changed the state of the walk again and again".into()))
    }

    /// Keeps a finding; the moment at which it was first seen stays.
    pub(crate) async fn keep_finding(&self, mut finding: Finding) -> Result<(), Error> {
        if let Some(before) = self.drift_of(&finding.subject).await?
            && before.kind == finding.kind
        {
            finding.first_seen = before.first_seen;
        }
        let item = finding.to_item()?;
        let write = Write::Put { item, precondition: Precondition::Any };
        self.store().commit(&[write]).await.map_err(unavailable)
    }
}

impl Finding {
    pub(crate) fn new(subject: Subject, kind: DriftKind, name: String, now: Timestamp) -> Self {
        Self { subject, kind, name, fields: Vec::new(), first_seen: now, last_seen: now }
    }

    fn to_item(&self) -> Result<Item, Error> {
        let Self { subject, kind, name, fields, first_seen, last_seen } = self;
        let record = Record {
            kind: *kind,
            name: name.clone(),
            fields: fields.clone(),
            first_seen: first_seen.millis(),
            last_seen: last_seen.millis(),
        };
        Ok(Item {
            key: finding_key(subject),
            index1: None,
            index2: None,
            version: 1,
            body: encode(&record)?,
        })
    }

    fn from_item(item: &Item) -> Result<Self, Error> {
        let Record { kind, name, fields, first_seen, last_seen } = decode(&item.body)?;
        Ok(Self {
            subject: Subject::of_mark(item)?,
            kind,
            name,
            fields,
            first_seen: Timestamp::from_millis(first_seen),
            last_seen: Timestamp::from_millis(last_seen),
        })
    }
}

fn finding_key(subject: &Subject) -> Key {
    Key::new(keys::DRIFT, subject.mark_key().sk)
}

fn walk_key() -> Key {
    keys::system("drift-walk")
}
