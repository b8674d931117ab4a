//! mailproof-tests
