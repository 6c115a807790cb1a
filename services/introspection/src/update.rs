//! What is new for a verifier, as messages.

use turnpike_domain::holding::{Holding, Until};
use turnpike_domain::{Client, Identifier, Timestamp};
use turnpike_proto::v1 as pb;
use turnpike_registry::News;

/// Clients or tokens of a message: with 100 scopes of 256 characters each, a client has some 30 kB at most.
const PER_PART: usize = 100;

/// What the last part of an update carries.
pub(crate) struct End<'a> {
    /// Which log the sequence counts.
    pub(crate) history: &'a str,
    pub(crate) issuer: &'a str,
    /// `None` if they are known already.
    pub(crate) keys: Option<&'a str>,
}

/// The event that a verifier that comes back knows everything up to, if it means the same log.
pub(crate) fn resume(text: &str, history: &str) -> Option<u64> {
    let (sequence, of) = text.split_once('.')?;
    sequence.parse().ok().filter(|_| of == history)
}

/// What the verifier says when it comes back from there.
pub(crate) fn place(sequence: u64, history: &str) -> String {
    format!("{sequence}.{history}")
}

/// The parts of one update, at least one.
pub(crate) fn parts<'a>(
    news: &'a News,
    identifier: &'a Identifier,
    now: Timestamp,
    end: &'a End<'a>,
) -> impl Iterator<Item = pb::PolicyUpdate> + 'a {
    let count =
        news.clients.len().div_ceil(PER_PART).max(news.revoked.len().div_ceil(PER_PART)).max(1);
    (0..count).map(move |part| {
        let mut update = pb::PolicyUpdate {
            reset: part == 0 && news.whole,
            more: part + 1 < count,
            ..pb::PolicyUpdate::default()
        };
        for (id, client) in nth(&news.clients, part) {
            match client {
                Some(client) => update.clients.push(policy_client(client, identifier, now)),
                None => update.gone_client_ids.push(id.to_string()),
            }
        }
        update.revoked_tokens = nth(&news.revoked, part)
            .iter()
            .map(|(id, end)| pb::RevokedToken {
                token_id: id.to_string(),
                expires_at: end.seconds(),
            })
            .collect();
        if !update.more {
            update.sequence = news.sequence.cast_signed();
            update.resume = place(news.sequence, end.history);
            if let Some(keys) = end.keys {
                end.issuer.clone_into(&mut update.issuer);
                keys.clone_into(&mut update.jwks);
            }
        }
        update
    })
}

fn nth<T>(list: &[T], part: usize) -> &[T] {
    list.chunks(PER_PART).nth(part).unwrap_or_default()
}

fn policy_client(client: &Client, identifier: &Identifier, now: Timestamp) -> pb::PolicyClient {
    pb::PolicyClient {
        client_id: client.client_id.to_string(),
        enabled: client.enabled,
        revoked_through: client.tokens_revoked.map_or(0, |cut| cut.seconds()),
        scopes: client.holdings_of(identifier, now).iter().map(policy_scope).collect(),
    }
}

/// An end within a second counts from the second's start: a verifier counts whole ones, and must not be late.
fn policy_scope(holding: &Holding) -> pb::PolicyScope {
    pb::PolicyScope {
        scope: holding.scope.to_string(),
        held: holding.held.is_some(),
        held_until: match holding.held {
            Some(Until::Time(time)) => time.seconds(),
            Some(Until::Open) | None => 0,
        },
        ended_through: holding.cut.map_or(0, |cut| cut.seconds()),
    }
}
