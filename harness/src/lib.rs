//! mailproof
