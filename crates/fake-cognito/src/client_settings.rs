//! What can be set of an app client: every member, its rule, its default, and the rules between them.

use serde_json::{Map, Value, json};

use crate::error::ApiError;
use crate::input::{Input, Text};
use crate::pattern::{ANY, IDENTIFIER, VISIBLE};
use crate::world::{Pool, seconds_of};

const SCOPE: Text = Text { min: 1, max: 256, pattern: IDENTIFIER };
const URL: Text = Text { min: 1, max: 1024, pattern: VISIBLE };
const ATTRIBUTE: Text = Text { min: 1, max: 2048, pattern: ANY };
const PROVIDER: Text = Text { min: 1, max: 32, pattern: ANY };
const UNITS: &[&str] = &["seconds", "minutes", "hours", "days"];
const FLOWS: &[&str] = &["code", "implicit", "client_credentials"];
const AUTH_FLOWS: &[&str] = &[
    "ADMIN_NO_SRP_AUTH",
    "CUSTOM_AUTH_FLOW_ONLY",
    "USER_PASSWORD_AUTH",
    "ALLOW_ADMIN_USER_PASSWORD_AUTH",
    "ALLOW_CUSTOM_AUTH",
    "ALLOW_USER_PASSWORD_AUTH",
    "ALLOW_USER_SRP_AUTH",
    "ALLOW_REFRESH_TOKEN_AUTH",
    "ALLOW_USER_AUTH",
    "ALLOW_CLIENT_TOKEN_AUTH",
];
const SYSTEM_SCOPES: &[&str] =
    &["phone", "email", "openid", "profile", "aws.cognito.signin.user.admin"];

/// Reads all settable members but the name, and fills in the defaults of those that are not there.
pub(crate) fn read(
    input: &mut Input,
    has_secret: bool,
    pool: &Pool,
) -> Result<Map<String, Value>, ApiError> {
    let mut settings = Map::new();
    read_validity(input, &mut settings)?;
    read_sign_in(input, has_secret, &mut settings)?;
    read_oauth(input, has_secret, pool, &mut settings)?;
    Ok(settings)
}

fn read_validity(input: &mut Input, settings: &mut Map<String, Value>) -> Result<(), ApiError> {
    let access = input.integer("AccessTokenValidity", 1, 86_400)?.unwrap_or(1);
    let id = input.integer("IdTokenValidity", 1, 86_400)?.unwrap_or(1);
    // 0 is taken for the default.
    let refresh = input.integer("RefreshTokenValidity", 0, 315_360_000)?.filter(|v| *v != 0);
    let refresh_is_default = refresh.is_none();
    let mut units = input.structure("TokenValidityUnits")?;
    let mut unit = |member: &str, default: &str| -> Result<String, ApiError> {
        let unit = match &mut units {
            Some(units) => units.choice(member, UNITS)?,
            None => None,
        };
        Ok(unit.unwrap_or_else(|| default.to_owned()))
    };
    let (access_unit, id_unit) = (unit("AccessToken", "hours")?, unit("IdToken", "hours")?);
    let refresh_unit = unit("RefreshToken", "days")?;
    units.map(Input::finish).transpose()?;
    let refresh_unit = if refresh_is_default { "days".to_owned() } else { refresh_unit };
    let refresh = refresh.unwrap_or(30);

    let seconds = |value: i64, unit: &str| value * seconds_of(unit);
    let day = 86_400;
    for (value, unit, most) in
        [(access, &access_unit, day), (id, &id_unit, day), (refresh, &refresh_unit, 3650 * day)]
    {
        let least = if most == day { 300 } else { 3600 };
        if !(least..=most).contains(&seconds(value, unit)) {
            return Err(ApiError::parameter("Invalid range for token validity."));
        }
    }
    if seconds(refresh, &refresh_unit) <= seconds(access, &access_unit).max(seconds(id, &id_unit)) {
        let words = "Refresh token validity must be longer than access and ID token validity.";
        return Err(ApiError::parameter(words));
    }
    set(settings, "AccessTokenValidity", access);
    set(settings, "IdTokenValidity", id);
    set(settings, "RefreshTokenValidity", refresh);
    let units =
        json!({ "AccessToken": access_unit, "IdToken": id_unit, "RefreshToken": refresh_unit });
    set(settings, "TokenValidityUnits", units);
    Ok(())
}

fn read_sign_in(
    input: &mut Input,
    has_secret: bool,
    settings: &mut Map<String, Value>,
) -> Result<(), ApiError> {
    // An empty list says nothing, so it is the default: the reading that does more harm.
    let flows = input.choices("ExplicitAuthFlows", AUTH_FLOWS.len(), AUTH_FLOWS)?;
    let flows = flows.filter(|flows| !flows.is_empty()).unwrap_or_else(|| {
        ["ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_CUSTOM_AUTH"]
            .map(str::to_owned)
            .to_vec()
    });
    let new = flows.iter().filter(|flow| flow.starts_with("ALLOW_")).count();
    if new != 0 && new != flows.len() {
        let words = "ExplicitAuthFlows of the old and the new kind cannot be mixed.";
        return Err(ApiError::parameter(words));
    }
    if flows.iter().any(|flow| flow == "ALLOW_CLIENT_TOKEN_AUTH") && flows.len() != 1 {
        let words = "ALLOW_CLIENT_TOKEN_AUTH cannot be combined with other ExplicitAuthFlows.";
        return Err(ApiError::parameter(words));
    }
    if let Some(mut rotation) = input.structure("RefreshTokenRotation")? {
        let feature = rotation.choice("Feature", &["ENABLED", "DISABLED"])?;
        let feature = feature.ok_or_else(|| crate::input::missing("Feature"))?;
        let grace = rotation.integer("RetryGracePeriodSeconds", 0, 60)?.unwrap_or(0);
        rotation.finish()?;
        if feature == "ENABLED" && flows.iter().any(|flow| flow == "ALLOW_REFRESH_TOKEN_AUTH") {
            let words = "Refresh token rotation cannot be enabled with ALLOW_REFRESH_TOKEN_AUTH.";
            return Err(ApiError::parameter(words));
        }
        let rotation = json!({ "Feature": feature, "RetryGracePeriodSeconds": grace });
        set(settings, "RefreshTokenRotation", rotation);
    }
    set(settings, "ExplicitAuthFlows", flows);

    // Attributes are shown only where they were set.
    for member in ["ReadAttributes", "WriteAttributes"] {
        let attributes = input.texts(member, usize::MAX, ATTRIBUTE)?.filter(|a| !a.is_empty());
        attributes.into_iter().for_each(|attributes| set(settings, member, attributes));
    }
    let errors = input.choice("PreventUserExistenceErrors", &["LEGACY", "ENABLED"])?;
    set(settings, "PreventUserExistenceErrors", errors.unwrap_or_else(|| "LEGACY".to_owned()));
    let revocation = input.boolean("EnableTokenRevocation")?.unwrap_or(true);
    set(settings, "EnableTokenRevocation", revocation);
    let context = input.boolean("EnablePropagateAdditionalUserContextData")?.unwrap_or(false);
    if context && !has_secret {
        let words = "EnablePropagateAdditionalUserContextData needs a client secret.";
        return Err(ApiError::parameter(words));
    }
    set(settings, "EnablePropagateAdditionalUserContextData", context);
    let session = input.integer("AuthSessionValidity", 3, 15)?.unwrap_or(3);
    set(settings, "AuthSessionValidity", session);
    let analytics = input.take("AnalyticsConfiguration");
    analytics.into_iter().for_each(|value| set(settings, "AnalyticsConfiguration", value));
    Ok(())
}

fn read_oauth(
    input: &mut Input,
    has_secret: bool,
    pool: &Pool,
    settings: &mut Map<String, Value>,
) -> Result<(), ApiError> {
    let enabled = input.boolean("AllowedOAuthFlowsUserPoolClient")?.unwrap_or(false);
    let flows = input.choices("AllowedOAuthFlows", 3, FLOWS)?.unwrap_or_default();
    let scopes = input.texts("AllowedOAuthScopes", 50, SCOPE)?.unwrap_or_default();
    let callbacks = input.texts("CallbackURLs", 100, URL)?.unwrap_or_default();
    let logouts = input.texts("LogoutURLs", 100, URL)?.unwrap_or_default();
    let default = input.text("DefaultRedirectURI", URL)?;
    let providers = input.texts("SupportedIdentityProviders", usize::MAX, PROVIDER)?;

    let used = !flows.is_empty() || !scopes.is_empty() || !callbacks.is_empty();
    if used && !enabled {
        return Err(ApiError::parameter(
            "AllowedOAuthFlowsUserPoolClient must be true to set AllowedOAuthFlows, \
             AllowedOAuthScopes or CallbackURLs.",
        ));
    }
    if enabled && (flows.is_empty() || scopes.is_empty()) {
        return Err(ApiError::parameter(
            "AllowedOAuthFlows and AllowedOAuthScopes are required if user pool client is allowed \
             to use OAuth flows.",
        ));
    }
    if default.as_ref().is_some_and(|default| !callbacks.contains(default)) {
        return Err(ApiError::parameter("DefaultRedirectURI must be in the CallbackURLs list."));
    }
    check_flows(&flows, &scopes, !callbacks.is_empty(), has_secret)?;
    let unknown = |scope: &&String| !SYSTEM_SCOPES.contains(&scope.as_str()) && !pool.offers(scope);
    if let Some(scope) = scopes.iter().find(unknown) {
        let words = format!("Invalid scope requested: {scope}");
        return Err(ApiError::new("ScopeDoesNotExistException", words));
    }
    set(settings, "AllowedOAuthFlowsUserPoolClient", enabled);
    let lists = [
        ("AllowedOAuthFlows", flows),
        ("AllowedOAuthScopes", scopes),
        ("CallbackURLs", callbacks),
        ("LogoutURLs", logouts),
        ("SupportedIdentityProviders", providers.unwrap_or_default()),
    ];
    for (member, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
        set(settings, member, list);
    }
    default.into_iter().for_each(|default| set(settings, "DefaultRedirectURI", default));
    Ok(())
}

fn check_flows(
    flows: &[String],
    scopes: &[String],
    has_callbacks: bool,
    has_secret: bool,
) -> Result<(), ApiError> {
    let refuse = |words: String| Err(ApiError::new("InvalidOAuthFlowException", words));
    let has = |flow: &str| flows.iter().any(|known| known == flow);
    if !has("client_credentials") {
        if (has("code") || has("implicit")) && !has_callbacks {
            return Err(ApiError::parameter(
                "CallbackURLs are required if the code or implicit flow is selected.",
            ));
        }
        return Ok(());
    }
    if !has_secret {
        return refuse(
            "client_credentials flow can not be selected if client does not have a client secret."
                .to_owned(),
        );
    }
    if flows.len() > 1 {
        return refuse(
            "client_credentials flow can not be selected along with code flow or implicit flow"
                .to_owned(),
        );
    }
    match scopes.iter().find(|scope| SYSTEM_SCOPES.contains(&scope.as_str())) {
        Some(scope) => refuse(format!("{scope} is not supported with client_credentials flow")),
        None => Ok(()),
    }
}

fn set(settings: &mut Map<String, Value>, member: &str, value: impl Into<Value>) {
    settings.insert(member.to_owned(), value.into());
}
