//! The writing thread's work: commits in groups.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};
use tokio::sync::oneshot;
use turnpike_registry::store::{Error, Item, Key, Precondition, Write};

use crate::failure;

/// A commit, and where its caller waits.
pub struct Commit {
    /// Checked by the caller.
    pub writes: Vec<Write>,
    /// Answered when the commit is on disk, or is known not to be made.
    pub answer: oneshot::Sender<Result<(), Error>>,
}

/// Makes the commits it is given on its connection.
pub fn worker(mut connection: Connection) -> impl FnMut(&mut Vec<Commit>) + Send {
    move |batch| answer(&mut connection, batch)
}

/// Makes the commits of a batch in one transaction, in the order they came, then answers them all.
///
/// If the transaction fails then all of them fail: also the refused ones, for what refused them may
/// have been an earlier commit of the same transaction.
fn answer(connection: &mut Connection, batch: &mut Vec<Commit>) {
    match group(connection, batch) {
        Ok(outcomes) => {
            for (commit, outcome) in batch.drain(..).zip(outcomes) {
                drop(commit.answer.send(outcome));
            }
        }
        Err(error) => {
            let error = Arc::new(error);
            for commit in batch.drain(..) {
                drop(commit.answer.send(Err(failure(Arc::clone(&error)))));
            }
        }
    }
}

fn group(
    connection: &mut Connection,
    commits: &[Commit],
) -> rusqlite::Result<Vec<Result<(), Error>>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let outcomes = commits
        .iter()
        .map(|commit| make(&transaction, &commit.writes))
        .collect::<rusqlite::Result<_>>()?;
    transaction.commit()?;
    Ok(outcomes)
}

/// Checks everything before it writes anything, so that a refused commit leaves nothing to undo.
fn make(transaction: &Transaction<'_>, writes: &[Write]) -> rusqlite::Result<Result<(), Error>> {
    for (position, write) in writes.iter().enumerate() {
        let precondition = write.precondition();
        if precondition != Precondition::Any
            && !precondition.holds(version(transaction, write.key())?)
        {
            return Ok(Err(Error::Precondition(position)));
        }
    }
    for write in writes {
        match write {
            Write::Check { .. } => {}
            Write::Delete { key, .. } => delete(transaction, key)?,
            Write::Put { item, .. } => put(transaction, item)?,
        }
    }
    Ok(Ok(()))
}

fn version(transaction: &Transaction<'_>, key: &Key) -> rusqlite::Result<Option<u64>> {
    transaction
        .prepare_cached("SELECT version FROM items WHERE pk = ?1 AND sk = ?2")?
        .query_row(params![key.pk, key.sk], |row| row.get(0))
        .optional()
}

fn delete(transaction: &Transaction<'_>, key: &Key) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("DELETE FROM items WHERE pk = ?1 AND sk = ?2")?
        .execute(params![key.pk, key.sk])?;
    Ok(())
}

fn put(transaction: &Transaction<'_>, item: &Item) -> rusqlite::Result<()> {
    let Item { key, index1, index2, version, body } = item;
    transaction
        .prepare_cached(
            "REPLACE INTO items \
             (pk, sk, index1_pk, index1_sk, index2_pk, index2_sk, version, body) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            key.pk,
            key.sk,
            index1.as_ref().map(|index| &index.pk),
            index1.as_ref().map(|index| &index.sk),
            index2.as_ref().map(|index| &index.pk),
            index2.as_ref().map(|index| &index.sk),
            version,
            body,
        ])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::open::{Opened, open};
    use crate::read;

    fn opened(folder: &TempDir) -> Opened {
        open(&folder.path().join("t.db"), 1).unwrap()
    }

    fn insert(sk: usize, body: usize) -> Write {
        let key = Key::new("p", format!("{sk:04}"));
        Write::insert(Item { key, index1: None, index2: None, version: 1, body: vec![7; body] })
    }

    /// Makes commits as one group; what each was answered.
    fn made(connection: &mut Connection, commits: Vec<Vec<Write>>) -> Vec<Result<(), Error>> {
        let (mut batch, answers): (Vec<_>, Vec<_>) = commits
            .into_iter()
            .map(|writes| {
                let (answer, answered) = oneshot::channel();
                (Commit { writes, answer }, answered)
            })
            .unzip();
        answer(connection, &mut batch);
        answers.into_iter().map(|answer| answer.blocking_recv().unwrap()).collect()
    }

    #[test]
    fn a_refused_commit_does_not_spoil_its_group() {
        let folder = TempDir::new().unwrap();
        let Opened { mut writer, readers, lock: _lock, .. } = opened(&folder);
        let answers = made(
            &mut writer,
            vec![
                vec![insert(1, 1)],
                vec![insert(2, 1), insert(1, 1)],
                vec![insert(2, 2)],
                vec![insert(1, 1)],
            ],
        );
        assert!(
            matches!(
                answers[..],
                [Ok(()), Err(Error::Precondition(1)), Ok(()), Err(Error::Precondition(0))]
            ),
            "{answers:?}"
        );
        let second = read::get(&readers[0], insert(2, 1).key()).unwrap().unwrap();
        assert_eq!(second.body.len(), 2);
    }

    #[test]
    fn a_full_disk_is_unavailable_and_loses_nothing() {
        let folder = TempDir::new().unwrap();
        let Opened { mut writer, readers, lock: _lock, .. } = opened(&folder);
        writer.pragma_update(None, "max_page_count", 60).unwrap();
        let there = |sk| read::get(&readers[0], insert(sk, 0).key()).unwrap().is_some();

        let mut kept = 0;
        let answers = loop {
            // In each group one commit is small and one is refused: they fail with the large one.
            let group = vec![
                vec![insert(kept + 1000, 1)],
                vec![insert(kept, 30_000)],
                vec![insert(kept + 1000, 1)],
            ];
            let answers = made(&mut writer, group);
            if answers[1].is_err() {
                break answers;
            }
            kept += 1;
            assert!(kept < 60, "sixty pages hold no {kept} such items");
        };
        assert!(kept > 0);
        for answer in answers {
            assert!(matches!(answer, Err(Error::Unavailable(_))), "{answer:?}");
        }
        assert!((0..kept).all(|sk| there(sk) && there(sk + 1000)));
        assert!(!there(kept) && !there(kept + 1000));

        writer.pragma_update(None, "max_page_count", 1000).unwrap();
        assert!(made(&mut writer, vec![vec![insert(kept, 30_000)]])[0].is_ok());
        assert!(there(kept));
    }

    #[test]
    fn a_lock_held_by_a_tool_is_contention() {
        let folder = TempDir::new().unwrap();
        let Opened { mut writer, path, lock: _lock, .. } = opened(&folder);
        let tool = Connection::open(path).unwrap();
        tool.execute_batch("BEGIN IMMEDIATE").unwrap();
        writer.busy_timeout(std::time::Duration::ZERO).unwrap();
        let answers = made(&mut writer, vec![vec![insert(1, 1)]]);
        assert!(matches!(answers[..], [Err(Error::Contended)]), "{answers:?}");
        tool.execute_batch("ROLLBACK").unwrap();
        assert!(made(&mut writer, vec![vec![insert(1, 1)]])[0].is_ok());
    }
}
