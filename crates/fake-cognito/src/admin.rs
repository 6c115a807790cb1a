//! What a test in another process steers the fake with, under `/_fake/`:
//!
//! `POST faults` (a [`Fault`](crate::Fault) in JSON) and `DELETE faults` · `GET calls` and `DELETE calls` ·
//! `PUT rates` (`true` for the real ones, `false` for none) · `POST rotate-keys`.

use http::Method;
use serde_json::{Value, json};

use crate::reply::{self, Reply};
use crate::server::Shared;
use crate::settings::Rates;

pub(crate) fn handle(shared: &Shared, method: &Method, path: &str, body: &[u8]) -> Reply {
    let done = || reply::json_answer(&json!({}));
    match (method, path) {
        (&Method::POST, "faults") => match serde_json::from_slice(body) {
            Ok(fault) => {
                shared.journal().inject(fault);
                done()
            }
            Err(error) => reply::plain(400, &error.to_string()),
        },
        (&Method::DELETE, "faults") => {
            shared.journal().clear_faults();
            done()
        }
        (&Method::GET, "calls") => {
            let calls = serde_json::to_value(shared.journal().calls());
            reply::json_answer(&calls.unwrap_or(Value::Null))
        }
        (&Method::DELETE, "calls") => {
            shared.journal().forget_calls();
            done()
        }
        (&Method::PUT, "rates") => match serde_json::from_slice(body) {
            Ok(real) => {
                let real: bool = real;
                shared.meter().set(real.then(Rates::default));
                done()
            }
            Err(error) => reply::plain(400, &error.to_string()),
        },
        (&Method::POST, "rotate-keys") => match shared.rotate_keys(&shared.settings.pool_id) {
            Ok(()) => done(),
            Err(error) => reply::api_refusal(&error),
        },
        _ => reply::plain(404, "not found"),
    }
}
