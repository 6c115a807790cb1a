//! What was ordered, in SQLite.

use std::path::Path;

use rusqlite::{Connection, params};
use uuid::Uuid;

use crate::Failure;

/// An order to be placed.
pub(crate) struct Order {
    /// By which the API knows it again.
    pub(crate) id: String,
    pub(crate) item: String,
    pub(crate) quantity: u32,
}

/// How far an order has come.
#[derive(Clone, Copy)]
pub(crate) enum State {
    Placed,
    Refused,
    Waiting,
}

/// The orders of this program.
pub(crate) struct Outbox(Connection);

impl State {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Placed => "placed",
            Self::Refused => "refused",
            Self::Waiting => "waiting",
        }
    }
}

impl Outbox {
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let connection = Connection::open(path)?;
        connection.execute_batch(
            "CREATE TABLE IF NOT EXISTS orders (
                 number INTEGER PRIMARY KEY,
                 order_id TEXT NOT NULL UNIQUE,
                 item TEXT NOT NULL,
                 quantity INTEGER NOT NULL,
                 state TEXT NOT NULL
             ) STRICT;",
        )?;
        Ok(Self(connection))
    }

    /// Writes an order down, to be sent.
    pub(crate) fn add(&self, item: &str, quantity: u32) -> Result<(), Failure> {
        self.0.execute(
            "INSERT INTO orders (order_id, item, quantity, state) VALUES (?1, ?2, ?3, ?4)",
            params![Uuid::new_v4().to_string(), item, quantity, State::Waiting.name()],
        )?;
        Ok(())
    }

    pub(crate) fn mark(&self, order_id: &str, state: State) -> Result<(), Failure> {
        let update = "UPDATE orders SET state = ?2 WHERE order_id = ?1";
        self.0.execute(update, params![order_id, state.name()])?;
        Ok(())
    }

    /// The orders that wait, oldest first.
    pub(crate) fn waiting(&self) -> Result<Vec<Order>, Failure> {
        let query = "SELECT order_id, item, quantity FROM orders WHERE state = ?1 ORDER BY number";
        let mut query = self.0.prepare(query)?;
        let orders = query.query_map([State::Waiting.name()], |row| {
            Ok(Order { id: row.get(0)?, item: row.get(1)?, quantity: row.get(2)? })
        })?;
        Ok(orders.collect::<rusqlite::Result<_>>()?)
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Other(format!("the database: {error}"))
    }
}
