//! Signing out at the directory too (OpenID Connect RP-Initiated Logout 1.0), and hearing from it that somebody signed
//! out there (Front-Channel Logout 1.0).

use openidconnect::url::Url;
use turnpike_domain::Error;
use turnpike_domain::session::{DirectoryEntry, SessionId};

use super::Oidc;
use super::settings::Profile;
use crate::session::Tokens;

/// Where the directory sends people after they signed out there.
pub(crate) const SIGNED_OUT: &str = "/logout/done";
/// Where the directory says, in a frame of its own page, that somebody signed out there.
pub(crate) const FRONT_CHANNEL: &str = "/logout/front-channel";
/// A longer hint does not fit into an address: that of a person in many groups is a login name, if the directory gives
/// one, or the directory asks.
const HINT_MAX: usize = 4096;

impl Oidc {
    /// Where a browser goes to sign out at the directory too; `None` if it has no such place, or does not say now.
    pub(crate) async fn logout_url(
        &self,
        entry: &DirectoryEntry,
        tokens: Option<&Tokens>,
    ) -> Option<Url> {
        let known = self.provider.known().await.ok()?;
        let mut url =
            known.metadata.additional_metadata().end_session_endpoint.clone()?.url().clone();
        if url.scheme() != "https" && !crate::origin::is_loopback(url.host_str()?) {
            return None;
        }
        let done = format!("{}{SIGNED_OUT}", self.public);
        {
            let mut query = url.query_pairs_mut();
            query.append_pair("client_id", &self.settings.client_id);
            query.append_pair("post_logout_redirect_uri", &done);
            let hint = entry.login_hint.as_deref();
            let token = tokens.map(|tokens| tokens.id.as_str()).filter(|t| t.len() <= HINT_MAX);
            // Entra ID takes the login name; what the standard says is the token.
            match (&self.settings.profile, hint, token) {
                (Profile::Entra { .. }, Some(hint), _) | (_, Some(hint), None) => {
                    query.append_pair("logout_hint", hint);
                }
                (_, _, Some(token)) => {
                    query.append_pair("id_token_hint", token);
                }
                (_, None, None) => {}
            }
        }
        Some(url)
    }

    /// The sessions that began with a login which the directory says has ended. A name that is none of ours has none, and
    /// nobody is told so.
    pub(crate) async fn sessions_of_login(
        &self,
        iss: Option<&str>,
        sid: Option<&str>,
    ) -> Result<Vec<SessionId>, Error> {
        let ours = iss.is_none_or(|iss| iss == self.issuer.as_str());
        match sid {
            Some(sid) if ours => {
                self.registry.sessions_of_login(self.settings.issuer.as_str(), sid).await
            }
            _ => Ok(Vec::new()),
        }
    }
}
