//! The program end to end: its exit codes, its files, and what it says of real clients.

mod bad_input;
mod bundle;
mod certified;
mod ci;
mod clients;
mod commands;
mod coverage;
mod evidence;
mod expected;
mod hostile;
mod interrupt;
mod keep;
mod lab;
mod own_adapter;
mod reachable;
mod rejudge;
mod remote;
mod report;
mod secrets;
mod serve_plan;
