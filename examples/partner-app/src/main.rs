//! A partner's application that gets tokens with turnpike-sdk.
fn main() {}
