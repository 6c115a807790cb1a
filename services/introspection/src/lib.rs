//! IntrospectionService, and RFC 7662 over HTTP.
