//! Recompiles the crate when the data that it embeds has changed.

fn main() {
    for folder in ["library", "personas", "requirements"] {
        println!("cargo:rerun-if-changed={folder}");
    }
}
