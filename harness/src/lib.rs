//! mailproof: proves how a mail implementation behaves when mail goes wrong.
//!
//! The library half of the tool: subjects and their adapters, the runner, the lab, the judge, the reports.

pub mod adapter;
pub mod bundle;
pub mod cli;
pub mod doctor;
pub mod edition;
pub mod evidence;
pub mod exit;
pub mod expected;
pub mod judge;
pub mod lab;
pub mod process;
pub mod profile;
pub mod project;
pub mod report;
pub mod results;
pub mod runner;
pub mod select;
pub mod selftest;
pub mod serve;
pub mod session;
pub mod subject;
pub mod subjects;
pub mod trace;
pub mod transcript;
pub mod units;
