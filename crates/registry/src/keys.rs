//! Where each record is kept. The one place that builds keys.
//!
//! | record | table | index 1 | index 2 |
//! | --- | --- | --- | --- |
//! | client | `CLIENT#id` / `META` | `CLIENTS#team` / name, id | `CLIENTS` / name, id |
//! | its entry in the pool | `CLIENT#id` / `POOL` | | |
//! | last use of a secret | `CLIENT-USES#id` or `RS-USES#id` / secret | | |
//! | resource server | `RS#id` / `META` | `RSS#team` / id | `RSS` / id |
//! | grant | `GRANT#id` / `META` | `CLIENT-GRANTS#client` / time, id | `RS-GRANTS#rs` / time, id |
//! | live grant of a resource server | `RS#id` / `GRANT#id` | | |
//! | grant in the list of a team, or of all | `GRANTS#team`, `GRANTS` / time, id | | |
//! | grant that waits for a team | `WAITING#team` / time, id | | |
//! | grant that ends by itself | `TIMER` / time, id | | |
//! | team | `TEAM#id` / `META` | | `TEAMS` / name, id |
//! | what a team owns | `OWNED#team` / kind, id | | |
//! | when a member of a team last signed in | `TEAMS-SEEN` / id | | |
//! | event | `LOG#bucket` / sequence | `CLIENT-EVENTS#client` / sequence | `RS-EVENTS#rs` / sequence |
//! | head of the log | `HEAD` / `META` | | |
//! | answered request | `REQUEST#principal#id` / `META` | `EXPIRING` / time, kind, key | |
//! | revoked token | `REVOKED#jti` / `META` | `EXPIRING` / time, kind, key | `REVOKED` / time, jti |
//! | mark, announcement for the pool | `OUTBOX` / key of the record, `NEW#`, `SECRET#` | | |
//! | where the pool differs | `DRIFT` / key of the record | | |
//! | claim of an object | `CLAIM#key` / `META` | | |
//! | key by which a gateway signs who calls | `ASSERTION-KEYS` / key | `EXPIRING` / time, kind, key | |
//! | session | `SESSION#id` / `META` | `EXPIRING` / time, key | `SESSIONS` / person, time, id |
//! | its tokens, sealed | `SESSION#id` / `TOKENS` | `EXPIRING` / time, key | |
//! | session under the directory's name of its login | `LOGIN#hash` / id | `EXPIRING` / time, key | |
//! | what was used once | `USED#kind#hash` / `META` | `EXPIRING` / time, key | |
//! | verifiers that a replica serves | `VERIFIERS#rs` / replica | `EXPIRING` / time, key | |
//! | key of the installation, record of a part of Turnpike | `SYSTEM` / name | | |

use turnpike_domain::id::{ClientId, GrantId, RequestId, SecretId, TeamId, TokenId};
use turnpike_domain::session::SessionId;
use turnpike_domain::{Identifier, Principal, Timestamp};

use crate::store::{IndexKey, Key};

pub(crate) const META: &str = "META";

/// How many events share a partition: one of `DynamoDB`'s holds 10 GB at most comfortably, and a query
/// never spans more than two for a page.
const BUCKET: u64 = 10_000;

pub(crate) fn client(id: &ClientId) -> Key {
    Key::new(format!("CLIENT#{id}"), META)
}

/// What is known of a client's image in the pool.
pub(crate) fn pool_entry(id: &ClientId) -> Key {
    Key::new(format!("CLIENT#{id}"), "POOL")
}

/// Where the pool is not what the registry says.
pub(crate) const DRIFT: &str = "DRIFT";

/// What a pool has yet to be told.
pub(crate) const OUTBOX: &str = "OUTBOX";

/// The announcement of a client that is about to be made under this name.
pub(crate) fn new_client(unique: &str) -> Key {
    Key::new(OUTBOX, format!("{NEW_CLIENT}{unique}"))
}

pub(crate) const NEW_CLIENT: &str = "NEW#";

/// The announcement of a secret that is about to be made.
pub(crate) fn new_secret(id: &ClientId) -> Key {
    Key::new(OUTBOX, format!("{NEW_SECRET}{id}"))
}

pub(crate) const NEW_SECRET: &str = "SECRET#";

pub(crate) fn clients_of(team: &TeamId) -> String {
    format!("CLIENTS#{team}")
}

pub(crate) const CLIENTS: &str = "CLIENTS";

/// Clients are listed by name, whatever its case, in the order of code points, which is the order of the
/// bytes in both stores; the id keeps equal names apart. U+001F sorts below every character that a name may
/// have, so `a` comes before `a b`. 128 characters are at most 512 bytes, in lower case too.
pub(crate) fn client_place(name: &str, id: &ClientId) -> String {
    format!("{}\u{1f}{id}", name.to_lowercase())
}

pub(crate) fn client_secret_use(id: &ClientId, secret: &SecretId) -> Key {
    Key::new(client_secret_uses(id), secret.as_str())
}

/// Apart from the client: whoever notes a use needs no right to write that.
pub(crate) fn client_secret_uses(id: &ClientId) -> String {
    format!("CLIENT-USES#{id}")
}

pub(crate) fn resource_server(id: &Identifier) -> Key {
    Key::new(format!("RS#{id}"), META)
}

pub(crate) fn resource_servers_of(team: &TeamId) -> String {
    format!("RSS#{team}")
}

pub(crate) const RESOURCE_SERVERS: &str = "RSS";

pub(crate) fn resource_server_secret_use(id: &Identifier, secret: &SecretId) -> Key {
    Key::new(resource_server_secret_uses(id), secret.as_str())
}

/// Apart from the resource server, as with clients.
pub(crate) fn resource_server_secret_uses(id: &Identifier) -> String {
    format!("RS-USES#{id}")
}

pub(crate) fn grant(id: &GrantId) -> Key {
    Key::new(format!("GRANT#{id}"), META)
}

pub(crate) fn grants_of_client(id: &ClientId) -> String {
    format!("CLIENT-GRANTS#{id}")
}

pub(crate) fn grants_of_resource_server(id: &Identifier) -> String {
    format!("RS-GRANTS#{id}")
}

/// The grant under its resource server while it lives: the list a deletion must see without lag.
pub(crate) fn live_grant(rs: &Identifier, grant: &GrantId) -> Key {
    Key::new(format!("RS#{rs}"), format!("{LIVE_GRANT}{grant}"))
}

pub(crate) const LIVE_GRANT: &str = "GRANT#";

pub(crate) fn grants_of_team(team: &TeamId) -> String {
    format!("GRANTS#{team}")
}

pub(crate) const GRANTS: &str = "GRANTS";

pub(crate) fn waiting(team: &TeamId) -> String {
    format!("WAITING#{team}")
}

pub(crate) fn team(id: &TeamId) -> Key {
    Key::new(format!("TEAM#{id}"), META)
}

pub(crate) const TEAMS: &str = "TEAMS";

/// Teams are listed by name, as clients are.
pub(crate) fn team_place(name: &str, id: &TeamId) -> String {
    format!("{}\u{1f}{id}", name.to_lowercase())
}

/// Something under its owner: the list that the deletion of a team must see without lag.
pub(crate) fn owned_client(team: &TeamId, id: &ClientId) -> Key {
    Key::new(owned_by(team), format!("{OWNED_CLIENT}{id}"))
}

/// See [`owned_client`].
pub(crate) fn owned_resource_server(team: &TeamId, id: &Identifier) -> Key {
    Key::new(owned_by(team), format!("{OWNED_RESOURCE_SERVER}{id}"))
}

pub(crate) fn owned_by(team: &TeamId) -> String {
    format!("OWNED#{team}")
}

pub(crate) const OWNED_CLIENT: &str = "CLIENT#";
pub(crate) const OWNED_RESOURCE_SERVER: &str = "RS#";

pub(crate) fn team_seen(id: &TeamId) -> Key {
    Key::new(TEAMS_SEEN, id.as_str())
}

pub(crate) const TEAMS_SEEN: &str = "TEAMS-SEEN";

pub(crate) const TIMER: &str = "TIMER";

/// A moment and a key, in the order of moments.
pub(crate) fn at(time: Timestamp, key: &str) -> String {
    format!("{:015}#{key}", time.millis())
}

/// The key behind a moment.
pub(crate) fn key_at(place: &str) -> &str {
    place.split_once('#').map_or("", |(_, key)| key)
}

/// The moment of a place.
pub(crate) fn time_at(place: &str) -> Timestamp {
    let millis = place.split_once('#').and_then(|(millis, _)| millis.parse().ok());
    Timestamp::from_millis(millis.unwrap_or(0))
}

/// The last place of a moment.
pub(crate) fn until(time: Timestamp) -> String {
    format!("{:015}", time.millis().saturating_add(1))
}

pub(crate) fn event(sequence: u64) -> Key {
    Key::new(log_bucket(sequence), place(sequence))
}

pub(crate) fn log_bucket(sequence: u64) -> String {
    format!("LOG#{:010}", sequence / BUCKET)
}

/// The first sequence of the bucket that holds `sequence`.
pub(crate) const fn bucket_start(sequence: u64) -> u64 {
    sequence - sequence % BUCKET
}

/// The last sequence of the bucket that holds `sequence`.
pub(crate) const fn bucket_end(sequence: u64) -> u64 {
    bucket_start(sequence) + BUCKET - 1
}

/// A sequence, in the order of sequences.
pub(crate) fn place(sequence: u64) -> String {
    format!("{sequence:016}")
}

pub(crate) fn events_of_client(id: &ClientId) -> String {
    format!("CLIENT-EVENTS#{id}")
}

pub(crate) fn events_of_resource_server(id: &Identifier) -> String {
    format!("RS-EVENTS#{id}")
}

pub(crate) fn head() -> Key {
    Key::new("HEAD", META)
}

pub(crate) fn request(principal: &Principal, id: &RequestId) -> Key {
    // The kind keeps a person and a client of the same id apart.
    Key::new(format!("REQUEST#{}#{}#{id}", principal.kind.as_str(), principal.id), META)
}

pub(crate) const EXPIRING: &str = "EXPIRING";

/// The place of something that may be forgotten after a moment.
pub(crate) fn expiring(time: Timestamp, key: &Key) -> IndexKey {
    IndexKey::new(EXPIRING, at(time, &key.pk))
}

pub(crate) fn revoked_token(id: &TokenId) -> Key {
    Key::new(format!("REVOKED#{id}"), META)
}

pub(crate) fn verifiers(id: &Identifier) -> String {
    format!("VERIFIERS#{id}")
}

pub(crate) fn verifiers_of_replica(id: &Identifier, replica: &str) -> Key {
    Key::new(verifiers(id), replica)
}

pub(crate) const REVOKED: &str = "REVOKED";

pub(crate) const ASSERTION_KEYS: &str = "ASSERTION-KEYS";

pub(crate) fn assertion_key(id: &str) -> Key {
    Key::new(ASSERTION_KEYS, id)
}

pub(crate) fn session(id: &SessionId) -> Key {
    Key::new(format!("SESSION#{id}"), META)
}

pub(crate) fn session_tokens(id: &SessionId) -> Key {
    Key::new(format!("SESSION#{id}"), "TOKENS")
}

pub(crate) const SESSIONS: &str = "SESSIONS";

/// Sessions are listed person by person, by time.
pub(crate) fn session_place(person: &str, time: Timestamp, id: &SessionId) -> String {
    format!("{}{}", sessions_of(person), at(time, id.as_str()))
}

/// The beginning of the places of one person's sessions. No person's key has U+001F.
pub(crate) fn sessions_of(person: &str) -> String {
    format!("{person}\u{1f}")
}

pub(crate) fn login(hash: &str) -> String {
    format!("LOGIN#{hash}")
}

pub(crate) fn used(kind: &str, hash: &str) -> Key {
    Key::new(format!("USED#{kind}#{hash}"), META)
}

pub(crate) fn system(name: &str) -> Key {
    Key::new("SYSTEM", name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::check::SK_BYTES;
    use turnpike_domain::text::ClientName;

    /// The place of a client of this name.
    fn place_of(name: &str) -> String {
        let name = ClientName::parse(name).unwrap();
        client_place(name.as_str(), &ClientId::parse(&"a".repeat(26)).unwrap())
    }

    #[test]
    fn the_longest_name_makes_a_key_that_every_store_takes() {
        // The last two grow in lower case.
        for one in ["x", "Ö", "東", "🦀", "Ⱥ", "İ"] {
            let place = place_of(&one.repeat(128));
            assert!(place.len() <= SK_BYTES, "{one}: {}", place.len());
        }
    }

    #[test]
    fn names_stand_in_the_order_of_code_points_whatever_their_case() {
        let names =
            ["A", "a !", "A B", "ab", "Z", "zoë", "ß", "Ä", "Ελλάδα", "ярмарка", "東京", "🦀"];
        let places: Vec<String> = names.iter().map(|name| place_of(name)).collect();
        assert!(places.is_sorted(), "{places:?}");
    }
}
