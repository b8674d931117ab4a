//! Every embedded subject over a real connection, and by its name.

mod loopback;
mod names;
