//! Configuration, telemetry, server and shutdown; the only crate that sees both sides of a seam.
