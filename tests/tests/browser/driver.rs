//! The driver itself: does it see what it must see?

use mailproof_tests::browser::Browser;
use serde_json::json;

#[test]
fn a_page_is_driven_and_its_complaints_are_heard() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("page.html");
    std::fs::write(
        &file,
        "<!doctype html><meta name=viewport content='width=device-width'><title>x</title><input id=name><button onclick='said.textContent = name_.value'>say</button>\
         <p id=said></p><script>const name_ = document.getElementById('name'), said = document.getElementById('said');\
         name_.onkeydown = e => { if (e.key === 'Enter') said.textContent = 'entered'; }</script>",
    )
    .unwrap();
    browser.resize(390, 800);
    browser.open_file(&file);
    browser.type_into("#name", "größer");
    browser.click("button");
    browser.wait_for("said.textContent === 'größer'");
    browser.click("#name");
    browser.press("Enter");
    browser.wait_for("said.textContent === 'entered'");
    assert!(!browser.overflows());
    browser.evaluate("void (said.style.width = '900px')");
    assert!(browser.overflows());
    assert_eq!(browser.evaluate("Promise.resolve(1 + 1)"), json!(2));
    assert_eq!(browser.complaints(), [""; 0]);
    browser.evaluate("void setTimeout(() => { throw new Error('loud'); console.log(1) }, 0)");
    browser.evaluate("new Promise(done => setTimeout(done, 0))");
    browser.evaluate("void fetch('http://192.0.2.1/').catch(() => {})");
    let complaints = browser.complaints().join("\n");
    assert!(complaints.contains("loud"), "{complaints}");
    assert!(complaints.contains("192.0.2.1"), "{complaints}");
    assert!(browser.screenshot(true).starts_with(b"\x89PNG"));
    assert!(browser.pdf().starts_with(b"%PDF"));
}
