//! Ports that are known before anybody listens there: processes that name each other need them.

use std::fs::{self, File};
use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};

/// Below those that the system gives out by itself.
const FIRST: u16 = 15_000;
const BLOCK: u16 = 20;
const BLOCKS: u16 = 800;

/// How many blocks this program has taken.
static TAKEN: AtomicU16 = AtomicU16::new(0);

/// A block of ports that no other test has, in this program or another, as long as it is kept.
#[derive(Debug)]
pub(crate) struct Ports {
    next: u16,
    end: u16,
    _lock: File,
}

impl Ports {
    /// Takes a block that is free, and was not given back a moment ago: processes that were killed may still have it.
    pub(crate) fn reserve() -> Self {
        let from = std::process::id() % u32::from(BLOCKS);
        let folder = std::env::temp_dir().join("turnpike-test-ports");
        fs::create_dir_all(&folder).unwrap();
        for _ in 0..BLOCKS {
            let taken = TAKEN.fetch_add(1, Ordering::Relaxed);
            let block = (u16::try_from(from).unwrap() + taken) % BLOCKS;
            let lock = File::create(folder.join(block.to_string())).unwrap();
            if lock.try_lock().is_ok() {
                let next = FIRST + block * BLOCK;
                return Self { next, end: next + BLOCK, _lock: lock };
            }
        }
        panic!("all blocks of ports are taken");
    }

    /// One at which nobody listens.
    pub(crate) fn next(&mut self) -> u16 {
        while self.next < self.end {
            let port = self.next;
            self.next += 1;
            if TcpListener::bind(("127.0.0.1", port)).is_ok() {
                return port;
            }
        }
        panic!("no port of the block is free");
    }
}
