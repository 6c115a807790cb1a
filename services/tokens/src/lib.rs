//! The token endpoint, metadata, key set and revocation over HTTP.
