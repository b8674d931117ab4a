//! mailproof-mock-servers
