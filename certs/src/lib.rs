//! mailproof-certs
