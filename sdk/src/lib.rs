//! What resource servers and clients link: verifier, layers, token source.
