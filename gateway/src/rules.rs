//! What a call must keep to, by the service it is for.

use std::time::Duration;

use crate::config::CallSettings;

/// The one call of ours whose request has several messages: small ones, for as long as it lasts.
const STREAM: &str = "/turnpike.v1.IntrospectionService/WatchPolicy";

/// The largest message of services that answer everybody, and of [`STREAM`]: they ask for a name.
const OPEN_BYTES: u32 = 16 * 1024;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rules {
    /// Strangers are answered: without it a call brings a session, or `authorization`.
    pub(crate) open: bool,
    /// Requests may have any number of messages. Of our own only [`STREAM`] has more than one.
    pub(crate) streams: bool,
    /// The largest message of a request.
    pub(crate) message_bytes: u32,
    /// How long one may take to arrive.
    pub(crate) message_timeout: Duration,
}

impl Rules {
    /// Those for `path` (`/turnpike.v1.ClientService/GetClient`).
    pub(crate) fn of(path: &str, settings: &CallSettings) -> Self {
        let CallSettings { message_bytes, message_timeout, .. } = *settings;
        let any = Self { open: true, streams: true, message_bytes, message_timeout };
        let small = Self { message_bytes: message_bytes.min(OPEN_BYTES), ..any };
        let package = path.trim_start_matches('/');
        if path == STREAM {
            Self { open: false, ..small }
        } else if package.starts_with("turnpike.") {
            Self { open: false, streams: false, ..any }
        } else if package.starts_with("grpc.health.") {
            Self { streams: false, ..small }
        } else if package.starts_with("grpc.reflection.") {
            small
        } else {
            any
        }
    }
}

#[cfg(test)]
mod tests {
    use prost_reflect::DescriptorPool;

    use super::*;

    #[test]
    fn who_takes_several_messages_is_what_the_contract_says() {
        let pool = DescriptorPool::decode(turnpike_proto::FILE_DESCRIPTOR_SET).unwrap();
        let settings = CallSettings::default();
        for method in pool.services().flat_map(|service| service.methods().collect::<Vec<_>>()) {
            let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
            let rules = Rules::of(&path, &settings);
            assert_eq!(
                (rules.open, rules.streams),
                (false, method.is_client_streaming()),
                "{path}"
            );
        }
    }

    #[test]
    fn who_answers_everybody_takes_little() {
        let settings = CallSettings::default();
        let health = Rules::of("/grpc.health.v1.Health/Check", &settings);
        let reflection =
            Rules::of("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", &settings);
        assert!(health.open && !health.streams && reflection.open && reflection.streams);
        assert_eq!((health.message_bytes, reflection.message_bytes), (OPEN_BYTES, OPEN_BYTES));
    }
}
