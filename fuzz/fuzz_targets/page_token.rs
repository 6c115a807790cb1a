//! Page tokens: whatever comes back, it opens only if it was sealed here, for this query and caller.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use turnpike_domain::{Actor, Timestamp};
use turnpike_proto::v1 as pb;
use turnpike_rpc::page_token::PageTokens;
use turnpike_rpc::{Op, methods};

static TOKENS: LazyLock<PageTokens> =
    LazyLock::new(|| PageTokens::new(&[7; 32]).expect("a key of 32 bytes"));

fuzz_target!(|data: &[u8]| {
    let now = Timestamp::from_millis(0);
    let op = Op::new(Actor::System, &methods::LIST_CLIENTS, String::new(), now);
    if let Ok(text) = std::str::from_utf8(data) {
        let query = pb::ListClientsRequest::default();
        assert!(TOKENS.open(&op, &query, text).is_err() || text.is_empty());
    }
});
