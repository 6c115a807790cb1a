//! HTTP Basic credentials and OAuth forms: no panic, and what is read is what was written.
#![no_main]

use libfuzzer_sys::fuzz_target;
use turnpike_rpc::oauth::{Credentials, Form};

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data)
        && let Some(credentials) = Credentials::from_basic(text)
    {
        assert!(!credentials.id.contains('\0') && !credentials.secret.contains('\0'));
    }
    if let Ok(form) = Form::parse(data, &[]) {
        let _ = form.get("grant_type");
    }
});
