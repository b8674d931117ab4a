//! mailproof-scenarios
