//! A resource server protected by turnpike-sdk.
fn main() {}
