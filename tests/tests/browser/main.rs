//! What a person sees in a browser: headless Chromium, skipped where there is none.

mod driver;
mod plan;
mod report;
