//! A client as Cognito keeps it: all of it from ours, and ours from it.
//!
//! An update resets each member that it does not send, so all are sent. Three are left to their
//! defaults on purpose: attributes to read and write (an empty list takes them away, and a machine has
//! no user), Pinpoint (gone in most regions), and rotation of refresh tokens (off, and unknown to the
//! cheapest plan).

use std::collections::BTreeSet;

use aws_sdk_cognitoidentityprovider::types::{
    ExplicitAuthFlowsType, FeatureType, OAuthFlowType, PreventUserExistenceErrorTypes,
    TimeUnitsType, TokenValidityUnitsType, UserPoolClientType,
};
use turnpike_domain::authorization_server::pool::{FoundClient, PoolClient};
use turnpike_domain::id::ClientId;

/// Not issued to machines; as Cognito has them by default.
pub(crate) const ID_TOKEN_SECONDS: i32 = 3600;
pub(crate) const REFRESH_TOKEN_SECONDS: i32 = 30 * 86_400;
pub(crate) const AUTH_SESSION_MINUTES: i32 = 3;

/// Sets every settable member of a create or an update: two builders with the same methods, and no type in
/// common.
macro_rules! render {
    ($builder:expr, $client:expr) => {{
        let client: &turnpike_domain::authorization_server::pool::PoolClient = $client;
        let flows = $crate::render::flows(client);
        $builder
            .client_name(&client.name)
            .access_token_validity($crate::render::access_token_seconds(client))
            .id_token_validity($crate::render::ID_TOKEN_SECONDS)
            .refresh_token_validity($crate::render::REFRESH_TOKEN_SECONDS)
            .token_validity_units($crate::render::units())
            .set_explicit_auth_flows(Some($crate::render::sign_in()))
            .set_supported_identity_providers(Some(Vec::new()))
            .set_callback_urls(Some(Vec::new()))
            .set_logout_urls(Some(Vec::new()))
            .set_default_redirect_uri(None)
            .allowed_o_auth_flows_user_pool_client(!flows.is_empty())
            .set_allowed_o_auth_flows(Some(flows))
            .set_allowed_o_auth_scopes(Some($crate::render::scopes(client)))
            .prevent_user_existence_errors($crate::render::PREVENT)
            .enable_token_revocation(true)
            .enable_propagate_additional_user_context_data(false)
            .auth_session_validity($crate::render::AUTH_SESSION_MINUTES)
    }};
}
pub(crate) use render;

pub(crate) const PREVENT: PreventUserExistenceErrorTypes = PreventUserExistenceErrorTypes::Enabled;

/// Without scopes a client gets no token, and Cognito takes no flow without a scope.
pub(crate) fn flows(client: &PoolClient) -> Vec<OAuthFlowType> {
    if client.scopes.is_empty() { Vec::new() } else { vec![OAuthFlowType::ClientCredentials] }
}

pub(crate) fn scopes(client: &PoolClient) -> Vec<String> {
    client.scopes.iter().map(ToString::to_string).collect()
}

pub(crate) fn access_token_seconds(client: &PoolClient) -> i32 {
    // At most a day.
    i32::try_from(client.token_lifetime.seconds()).unwrap_or(i32::MAX)
}

pub(crate) fn units() -> TokenValidityUnitsType {
    TokenValidityUnitsType::builder()
        .access_token(TimeUnitsType::Seconds)
        .id_token(TimeUnitsType::Seconds)
        .refresh_token(TimeUnitsType::Seconds)
        .build()
}

/// An empty list would be taken for the default, with which people can sign in. This one renews only
/// what another would have begun.
pub(crate) fn sign_in() -> Vec<ExplicitAuthFlowsType> {
    vec![ExplicitAuthFlowsType::AllowRefreshTokenAuth]
}

/// A client as the pool has it.
pub(crate) fn found(client_id: ClientId, client: &UserPoolClientType) -> FoundClient {
    let flows: Vec<&str> =
        client.allowed_o_auth_flows().iter().map(OAuthFlowType::as_str).collect();
    let enabled = client.allowed_o_auth_flows_user_pool_client().unwrap_or(false);
    let gets_tokens = enabled && flows.contains(&"client_credentials");
    let scopes: BTreeSet<String> = client.allowed_o_auth_scopes().iter().cloned().collect();
    let has_secret = client.client_secret().is_some_and(|secret| !secret.is_empty());
    FoundClient {
        client_id,
        name: client.client_name().unwrap_or_default().to_owned(),
        token_lifetime_seconds: access_token_lifetime(client),
        scopes: if gets_tokens { scopes.into_iter().collect() } else { Vec::new() },
        machine: has_secret && is_for_machines(client, &flows),
        other: differences(client, gets_tokens),
    }
}

/// The flow for machines goes with no other. One that has no flow at all is for machines only if people
/// cannot sign in by the API either.
fn is_for_machines(client: &UserPoolClientType, flows: &[&str]) -> bool {
    match flows {
        [] => client.explicit_auth_flows().iter().all(|flow| sign_in().contains(flow)),
        flows => flows == ["client_credentials"],
    }
}

fn access_token_lifetime(client: &UserPoolClientType) -> i64 {
    let unit = client.token_validity_units().and_then(|units| units.access_token());
    // One hour, if nothing is said.
    client.access_token_validity().map_or(3600, |value| in_seconds(value, unit, 3600))
}

/// Each setting that is not as it is rendered, by its name in the API.
fn differences(client: &UserPoolClientType, gets_tokens: bool) -> Vec<(String, String)> {
    let mut other = Vec::new();
    let mut differs = |name: &str, value: String, wanted: &str| {
        if value != wanted {
            other.push((name.to_owned(), value));
        }
    };
    let units = client.token_validity_units();
    let id_token = client.id_token_validity().map_or(ID_TOKEN_SECONDS.into(), |value| {
        in_seconds(value, units.and_then(|units| units.id_token()), 3600)
    });
    differs("IdTokenValidity", seconds(id_token), &seconds(ID_TOKEN_SECONDS.into()));
    let refresh_token = match client.refresh_token_validity() {
        // What the SDK makes of nothing, and the service of 0.
        0 => REFRESH_TOKEN_SECONDS.into(),
        value => in_seconds(value, units.and_then(|units| units.refresh_token()), 86_400),
    };
    differs("RefreshTokenValidity", seconds(refresh_token), &seconds(REFRESH_TOKEN_SECONDS.into()));

    let flows = client.allowed_o_auth_flows().iter().map(OAuthFlowType::as_str);
    let (wanted, enabled) =
        if gets_tokens { ("client_credentials", "true") } else { ("", "false") };
    differs("AllowedOAuthFlows", list(flows), wanted);
    let is_enabled = client.allowed_o_auth_flows_user_pool_client().unwrap_or(false);
    differs("AllowedOAuthFlowsUserPoolClient", is_enabled.to_string(), enabled);
    if !gets_tokens {
        let scopes = client.allowed_o_auth_scopes().iter().map(String::as_str);
        differs("AllowedOAuthScopes", list(scopes), "");
    }
    let sign_in_flows = client.explicit_auth_flows().iter().map(ExplicitAuthFlowsType::as_str);
    let wanted = sign_in();
    differs(
        "ExplicitAuthFlows",
        list(sign_in_flows),
        &list(wanted.iter().map(ExplicitAuthFlowsType::as_str)),
    );
    for (name, texts) in [
        ("ReadAttributes", client.read_attributes()),
        ("WriteAttributes", client.write_attributes()),
        ("SupportedIdentityProviders", client.supported_identity_providers()),
        ("CallbackURLs", client.callback_urls()),
        ("LogoutURLs", client.logout_urls()),
    ] {
        differs(name, list(texts.iter().map(String::as_str)), "");
    }
    differs("DefaultRedirectURI", client.default_redirect_uri().unwrap_or_default().to_owned(), "");
    // Its members may be anything.
    let analytics = client.analytics_configuration().map_or("", |_| "set");
    differs("AnalyticsConfiguration", analytics.to_owned(), "");
    let prevent = client.prevent_user_existence_errors().map_or("LEGACY", |value| value.as_str());
    differs("PreventUserExistenceErrors", prevent.to_owned(), PREVENT.as_str());
    let revocation = client.enable_token_revocation().unwrap_or(true);
    differs("EnableTokenRevocation", revocation.to_string(), "true");
    let context = client.enable_propagate_additional_user_context_data().unwrap_or(false);
    differs("EnablePropagateAdditionalUserContextData", context.to_string(), "false");
    let session = client.auth_session_validity().unwrap_or(AUTH_SESSION_MINUTES);
    differs("AuthSessionValidity", session.to_string(), &AUTH_SESSION_MINUTES.to_string());
    let rotation = client.refresh_token_rotation().map_or("DISABLED", |r| r.feature().as_str());
    differs("RefreshTokenRotation", rotation.to_owned(), FeatureType::Disabled.as_str());
    other
}

fn in_seconds(value: i32, unit: Option<&TimeUnitsType>, default: i64) -> i64 {
    let unit = match unit {
        Some(TimeUnitsType::Seconds) => 1,
        Some(TimeUnitsType::Minutes) => 60,
        Some(TimeUnitsType::Hours) => 3600,
        Some(TimeUnitsType::Days) => 86_400,
        _ => default,
    };
    i64::from(value) * unit
}

fn seconds(value: i64) -> String {
    format!("{value} seconds")
}

/// In a settled order: lists of the API have none.
fn list<'a>(items: impl Iterator<Item = &'a str>) -> String {
    items.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use aws_sdk_cognitoidentityprovider::operation::update_user_pool_client::UpdateUserPoolClientInput;
    use turnpike_domain::Scope;
    use turnpike_domain::time::TokenLifetime;

    use super::*;

    fn client() -> PoolClient {
        PoolClient {
            name: "shop tp-1".to_owned(),
            token_lifetime: TokenLifetime::from_seconds(900).unwrap(),
            scopes: vec![Scope::parse("orders/read").unwrap()],
        }
    }

    /// The names of the members that `Debug` shows, and those of them that are set.
    fn members(shown: &str) -> (BTreeSet<String>, BTreeSet<String>) {
        let (mut all, mut set) = (BTreeSet::new(), BTreeSet::new());
        for line in
            shown.lines().filter(|line| line.starts_with("    ") && !line.starts_with("     "))
        {
            if let Some((name, value)) = line.trim().split_once(": ") {
                all.insert(name.to_owned());
                if !value.starts_with("None") {
                    set.insert(name.to_owned());
                }
            }
        }
        (all, set)
    }

    #[test]
    fn an_update_sends_every_member_there_is() {
        // A member that a later SDK knows would be reset by each of our updates: decide on it, then
        // change this test.
        let update = render!(UpdateUserPoolClientInput::builder(), &client()).build().unwrap();
        let (all, set) = members(&format!("{update:#?}"));
        let unset: BTreeSet<&str> = all.difference(&set).map(String::as_str).collect();
        let left = [
            "analytics_configuration",
            "default_redirect_uri",
            "read_attributes",
            "refresh_token_rotation",
            "user_pool_id",
            "write_attributes",
        ];
        assert_eq!(unset, BTreeSet::from(left));
        assert_eq!(all.len(), 23, "{all:?}");
    }

    #[test]
    fn a_client_without_scopes_has_no_flow() {
        let silent = PoolClient { scopes: Vec::new(), ..client() };
        let update = render!(UpdateUserPoolClientInput::builder(), &silent).build().unwrap();
        assert_eq!(update.allowed_o_auth_flows_user_pool_client(), Some(false));
        assert_eq!(update.allowed_o_auth_flows, Some(Vec::new()));
        assert_eq!(update.allowed_o_auth_scopes, Some(Vec::new()));
    }

    fn id() -> ClientId {
        ClientId::parse("abc").unwrap()
    }

    #[test]
    fn what_others_set_is_found_by_its_name() {
        let people = UserPoolClientType::builder()
            .client_name("portal")
            .client_secret("s")
            .access_token_validity(2)
            .allowed_o_auth_flows_user_pool_client(true)
            .allowed_o_auth_flows(OAuthFlowType::Code)
            .allowed_o_auth_scopes("openid")
            .callback_urls("https://portal.example.com/back")
            .explicit_auth_flows(ExplicitAuthFlowsType::AllowUserSrpAuth)
            .explicit_auth_flows(ExplicitAuthFlowsType::AllowRefreshTokenAuth)
            .build();
        let found = found(id(), &people);
        assert!(!found.machine);
        assert_eq!(found.token_lifetime_seconds, 7200, "hours are the default");
        assert_eq!(found.scopes, Vec::<String>::new());
        let other: Vec<(&str, &str)> =
            found.other.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(
            other,
            [
                ("AllowedOAuthFlows", "code"),
                ("AllowedOAuthFlowsUserPoolClient", "true"),
                ("AllowedOAuthScopes", "openid"),
                ("ExplicitAuthFlows", "ALLOW_REFRESH_TOKEN_AUTH, ALLOW_USER_SRP_AUTH"),
                ("CallbackURLs", "https://portal.example.com/back"),
                ("PreventUserExistenceErrors", "LEGACY"),
            ]
        );
        assert!(!format!("{found:?}").contains("client_secret"));
    }

    #[test]
    fn a_client_of_the_console_is_for_machines() {
        let made = UserPoolClientType::builder()
            .client_name("console")
            .refresh_token_validity(30)
            .allowed_o_auth_flows_user_pool_client(true)
            .allowed_o_auth_flows(OAuthFlowType::ClientCredentials)
            .allowed_o_auth_scopes("orders/write")
            .allowed_o_auth_scopes("orders/read")
            .explicit_auth_flows(ExplicitAuthFlowsType::AllowRefreshTokenAuth)
            .prevent_user_existence_errors(PreventUserExistenceErrorTypes::Enabled);
        let found = found(id(), &made.clone().client_secret("s").build());
        assert!(found.machine);
        assert_eq!(found.scopes, ["orders/read", "orders/write"]);
        assert_eq!(found.other, []);
        assert!(!super::found(id(), &made.build()).machine, "without a secret it is nobody's");
    }
}
