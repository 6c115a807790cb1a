//! What the gateway of a test logs.

use std::io::Write;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tracing::subscriber::DefaultGuard;

/// All lines, of the test's own thread, while it lives.
pub struct Log {
    written: Written,
    _guard: DefaultGuard,
}

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Log {
    pub fn listen() -> Self {
        let written = Written::default();
        let writer = written.clone();
        let subscriber = tracing_subscriber::fmt()
            .json()
            .with_max_level(tracing::Level::TRACE)
            .with_writer(move || writer.clone())
            .finish();
        let guard = tracing::subscriber::set_default(subscriber);
        Self { written, _guard: guard }
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.written.0.lock().unwrap().clone()).unwrap()
    }

    /// The lines with this in it.
    pub fn lines(&self, with: &str) -> Vec<Value> {
        let text = self.text();
        let lines = text.lines().filter(|line| line.contains(with));
        lines.map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The lines of our own crates.
    pub fn ours(&self) -> String {
        let text = self.text();
        text.lines().filter(|line| line.contains("\"target\":\"turnpike")).collect()
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
