//! The tables, and whose file it is.

use rusqlite::{Connection, TransactionBehavior};

/// What SQLite's `application_id` says in a file of Turnpike's: "TPKE".
pub const APPLICATION_ID: i64 = 0x5450_4b45;

/// The statements that lead from each schema version to the next, the first from an empty file. The
/// version of a file (`user_version`) is how many of them it has seen, so what was released here
/// never changes: a new version is a new entry.
pub const MIGRATIONS: &[&str] = &[
    // Text columns compare as bytes (collation BINARY). An item without an index's key is not in that
    // index at all.
    "CREATE TABLE items (
        pk TEXT NOT NULL,
        sk TEXT NOT NULL,
        index1_pk TEXT,
        index1_sk TEXT,
        index2_pk TEXT,
        index2_sk TEXT,
        version INTEGER NOT NULL,
        body BLOB NOT NULL,
        PRIMARY KEY (pk, sk),
        CHECK ((index1_pk IS NULL) = (index1_sk IS NULL)),
        CHECK ((index2_pk IS NULL) = (index2_sk IS NULL))
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX items_index1 ON items (index1_pk, index1_sk, pk, sk) WHERE index1_pk IS NOT NULL;
    CREATE INDEX items_index2 ON items (index2_pk, index2_sk, pk, sk) WHERE index2_pk IS NOT NULL;",
];

/// What a file says of itself.
#[derive(Debug, Eq, PartialEq)]
pub enum Found {
    /// Ours, at this schema version; 0 is an empty file.
    Ours(usize),
    /// Another program's database.
    Foreign,
}

/// Reads whose the file is, and which schema it has.
pub fn find(connection: &Connection) -> rusqlite::Result<Found> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let version = usize::try_from(pragma("user_version")?);
    Ok(match (pragma("application_id")?, version) {
        (APPLICATION_ID, Ok(version @ 1..)) => Found::Ours(version),
        (0, Ok(0)) if tables == 0 => Found::Ours(0),
        _ => Found::Foreign,
    })
}

/// Brings a file from schema version `found` to the last, in one transaction.
pub fn migrate(
    connection: &mut Connection,
    found: usize,
    migrations: &[&str],
) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for migration in migrations.iter().skip(found) {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", migrations.len())?;
    transaction.commit()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_schema_is_brought_up_to_date() {
        let next = [MIGRATIONS[0], "CREATE TABLE later (n INTEGER) STRICT"];
        let mut connection = Connection::open_in_memory().unwrap();
        assert_eq!(find(&connection).unwrap(), Found::Ours(0));
        migrate(&mut connection, 0, &next[..1]).unwrap();
        assert_eq!(find(&connection).unwrap(), Found::Ours(1));
        connection
            .execute("INSERT INTO items (pk, sk, version, body) VALUES ('p', 's', 1, x'')", [])
            .unwrap();

        migrate(&mut connection, 1, &next).unwrap();
        assert_eq!(find(&connection).unwrap(), Found::Ours(2));
        connection.execute("INSERT INTO later SELECT version FROM items", []).unwrap();
        assert_eq!(connection.changes(), 1);
    }

    #[test]
    fn a_migration_that_fails_leaves_the_file_as_it_was() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, 0, &MIGRATIONS[..1]).unwrap();
        let broken = [MIGRATIONS[0], "CREATE TABLE later (n INTEGER); CREATE TABLE items (n)"];
        migrate(&mut connection, 1, &broken).unwrap_err();
        assert_eq!(find(&connection).unwrap(), Found::Ours(1));
        connection.execute("INSERT INTO later VALUES (1)", []).unwrap_err();
    }
}
