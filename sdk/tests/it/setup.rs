//! What most tests start from.

use std::sync::{Arc, LazyLock};

use turnpike_sdk::test_util::{Draft, Issuer, ManualClock};
use turnpike_sdk::{Builder, Require, Verifier};

pub(crate) const ISSUER: &str = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Example";
pub(crate) const CLIENT: &str = "1example23456789";
pub(crate) const PLACE: &str = "lj-health-food/place-order";
pub(crate) const LIST: &str = "lj-health-food/list-orders";
pub(crate) const NOW: i64 = 1_790_000_000;

/// Making an RSA key takes long in a debug build, so tests that do not care share one.
pub(crate) static SHARED: LazyLock<Issuer> = LazyLock::new(|| Issuer::rs256(ISSUER));

/// A verifier of the shared issuer's tokens whose time is `clock`'s.
pub(crate) fn builder(clock: &Arc<ManualClock>) -> Builder {
    Verifier::builder(ISSUER).keys(SHARED.keys()).clock(clock.clone())
}

pub(crate) fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(NOW))
}

/// Defaults, at [`NOW`].
pub(crate) fn verifier() -> Verifier {
    builder(&clock()).build().expect("a verifier")
}

/// A good token that holds both scopes, before it is signed.
pub(crate) fn draft() -> Draft<'static> {
    SHARED.draft(CLIENT, &format!("{PLACE} {LIST}"), NOW)
}

pub(crate) fn place() -> Require {
    Require::all_of([PLACE]).expect("a scope")
}
