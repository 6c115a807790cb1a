//! Spans of what the store is asked.

use std::sync::Arc;

use async_trait::async_trait;
use tracing::field::Empty;
use tracing::{Instrument, Span};
use turnpike_registry::store::{Error, Item, Key, Page, Query, Store, Write};

use super::{TARGET, noted};

/// A store whose operations are spans. Keys and bodies are not in them.
#[derive(Debug)]
pub struct TracedStore {
    inner: Arc<dyn Store>,
    system: &'static str,
}

impl TracedStore {
    /// `inner`, which is a database of this `db.system.name`; as it is while nobody wants spans.
    pub fn around(inner: Arc<dyn Store>, system: &'static str) -> Arc<dyn Store> {
        if super::wanted() { Arc::new(Self { inner, system }) } else { inner }
    }

    /// None for what nobody waits for: whoever follows the log reads all the time.
    fn span(&self, operation: &'static str, items: Option<usize>) -> Span {
        if Span::current().is_none() {
            return Span::none();
        }
        let items = items.and_then(|items| i64::try_from(items).ok());
        tracing::info_span!(
            target: TARGET,
            "store",
            otel.name = operation,
            otel.kind = "client",
            otel.status_code = Empty,
            db.system.name = self.system,
            db.operation.name = operation,
            db.operation.batch.size = items,
            error.type = Empty,
        )
    }

    async fn told<T>(
        &self,
        span: Span,
        asked: impl Future<Output = Result<T, Error>> + Send,
    ) -> Result<T, Error> {
        let done = asked.instrument(span.clone()).await;
        noted(&span, &done, kind);
        done
    }
}

#[async_trait]
impl Store for TracedStore {
    async fn get(&self, key: &Key) -> Result<Option<Item>, Error> {
        self.told(self.span("get", None), self.inner.get(key)).await
    }

    async fn query(&self, query: &Query) -> Result<Page, Error> {
        self.told(self.span("query", None), self.inner.query(query)).await
    }

    async fn commit(&self, writes: &[Write]) -> Result<(), Error> {
        self.told(self.span("commit", Some(writes.len())), self.inner.commit(writes)).await
    }
}

const fn kind(error: &Error) -> &'static str {
    match error {
        Error::Contended => "contended",
        Error::Corrupt(_) => "corrupt",
        Error::Invalid(_) => "invalid",
        Error::Precondition(_) => "precondition",
        Error::TooLarge(_) => "too_large",
        Error::Unavailable(_) => "unavailable",
    }
}
