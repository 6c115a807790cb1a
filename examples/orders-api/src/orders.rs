//! The orders, in SQLite.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, Row, params};
use serde::{Deserialize, Serialize};

/// An order as a client sends it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewOrder {
    /// Chosen by the client, so that it may repeat a request.
    order_id: String,
    item: String,
    quantity: u32,
}

/// An order as it is kept.
#[derive(Serialize)]
pub(crate) struct Order {
    order_id: String,
    item: String,
    quantity: u32,
    placed_at: String,
}

/// What became of an order.
pub(crate) enum Placed {
    Before(Order),
    Now(Order),
    /// The client has used the id for something else.
    Otherwise,
}

/// The order book. Clones share it.
#[derive(Clone)]
pub(crate) struct Orders(Arc<Mutex<Connection>>);

impl NewOrder {
    /// What is wrong with it.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        match self {
            _ if !(1..=64).contains(&self.order_id.len()) => Err("order_id: 1 to 64 bytes"),
            _ if !(1..=200).contains(&self.item.trim().len()) => Err("item: 1 to 200 bytes"),
            _ if !(1..=1000).contains(&self.quantity) => Err("quantity: 1 to 1000"),
            _ => Ok(()),
        }
    }
}

impl Orders {
    pub(crate) fn open(path: &Path) -> rusqlite::Result<Self> {
        let connection = Connection::open(path)?;
        connection.execute_batch(
            "PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL;
             CREATE TABLE IF NOT EXISTS orders (
                 client_id TEXT NOT NULL,
                 order_id TEXT NOT NULL,
                 item TEXT NOT NULL,
                 quantity INTEGER NOT NULL,
                 placed_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
                 PRIMARY KEY (client_id, order_id)
             ) STRICT;",
        )?;
        Ok(Self(Arc::new(Mutex::new(connection))))
    }

    pub(crate) fn place(&self, client_id: &str, order: NewOrder) -> rusqlite::Result<Placed> {
        let NewOrder { order_id, item, quantity } = order;
        let connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let added = connection.execute(
            "INSERT INTO orders (client_id, order_id, item, quantity) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO NOTHING",
            params![client_id, order_id, item, quantity],
        )?;
        let kept = connection.query_row(
            "SELECT order_id, item, quantity, placed_at FROM orders
             WHERE client_id = ?1 AND order_id = ?2",
            params![client_id, order_id],
            Order::read,
        )?;
        Ok(match added {
            0 if (&kept.item, kept.quantity) != (&item, quantity) => Placed::Otherwise,
            0 => Placed::Before(kept),
            _ => Placed::Now(kept),
        })
    }

    pub(crate) fn of_client(&self, client_id: &str) -> rusqlite::Result<Vec<Order>> {
        let connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut query = connection.prepare_cached(
            "SELECT order_id, item, quantity, placed_at FROM orders
             WHERE client_id = ?1 ORDER BY rowid DESC LIMIT 100",
        )?;
        query.query_map([client_id], Order::read)?.collect()
    }
}

impl Order {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let (order_id, item) = (row.get(0)?, row.get(1)?);
        Ok(Self { order_id, item, quantity: row.get(2)?, placed_at: row.get(3)? })
    }
}
