//! Types, rules, authorization and errors of Turnpike: pure.
