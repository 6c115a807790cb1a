//! How often the API may be asked: a bucket for each category, and one for each operation of each pool.

use std::collections::HashMap;

use tokio::time::Instant;

use crate::operations::{Category, Operation};
use crate::settings::Rates;

/// The buckets, if there are any rates.
pub(crate) struct Meter {
    rates: Option<Rates>,
    buckets: HashMap<Key, Bucket>,
}

/// What a bucket is of.
#[derive(PartialEq, Eq, Hash)]
enum Key {
    All(Category),
    Operation { name: &'static str, pool_id: String },
}

struct Bucket {
    left: f64,
    filled: Instant,
}

impl Meter {
    pub(crate) fn new(rates: Option<Rates>) -> Self {
        Self { rates, buckets: HashMap::new() }
    }

    /// Changes the rates, with full buckets.
    pub(crate) fn set(&mut self, rates: Option<Rates>) {
        *self = Self::new(rates);
    }

    /// Counts a call of the API, and says whether it is within all rates.
    pub(crate) fn admits(&mut self, operation: &Operation, pool_id: &str, now: Instant) -> bool {
        let Some(rates) = self.rates else { return true };
        let key = Key::Operation { name: operation.name, pool_id: pool_id.to_owned() };
        self.admits_category(operation.category, now)
            && (operation.category == Category::Pool || self.take(key, rates.operation, now))
    }

    /// Counts a request at the token endpoint.
    pub(crate) fn admits_category(&mut self, category: Category, now: Instant) -> bool {
        let Some(rates) = self.rates else { return true };
        let rate = match category {
            Category::ClientAuthentication => rates.client_authentication,
            Category::ClientRead => rates.client_read,
            Category::ClientUpdate => rates.client_update,
            Category::Pool => return true,
            Category::ResourceRead => rates.resource_read,
            Category::ResourceUpdate => rates.resource_update,
        };
        self.take(Key::All(category), rate, now)
    }

    fn take(&mut self, key: Key, rate: u32, now: Instant) -> bool {
        let rate = f64::from(rate);
        let bucket = self.buckets.entry(key).or_insert(Bucket { left: rate, filled: now });
        let gained = now.duration_since(bucket.filled).as_secs_f64() * rate;
        bucket.left = (bucket.left + gained).min(rate);
        bucket.filled = now;
        if bucket.left < 1.0 {
            return false;
        }
        bucket.left -= 1.0;
        true
    }
}
