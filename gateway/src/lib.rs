//! gRPC-web, staff sessions, the portal's files, routing.
