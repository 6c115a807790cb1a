//! Generated code and descriptor set of the Turnpike API, nothing else.
