//! The program end to end: its exit codes, its files, and what it says of real clients.

mod bad_input;
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
mod rejudge;
mod secrets;
