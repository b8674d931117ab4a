//! The page of a plan in a browser, with curl as the person's client: it reads what it needs from the page, and
//! the person presses the buttons.

use mailproof::results::Verdict;
use mailproof_tests::{
    browser::Browser,
    program::{is_installed, results},
    sitting::{Planned, curl_sends},
};
use serde_json::json;

const PLAN: &str = r#"
title = "A <b>device</b>"
intro = "<img src=x onerror=document.title=1>"
subject = "device"

[words.security]
starttls-required = "TLS (STARTTLS, strict)"

[[question]]
id = "shown"
ask = "What did it show?"
choices = ["nothing", "an error"]
fine = ["an error"]

[[scenario]]
case = "smtp/starttls/not-offered"
note = "Use the <u>big</u> button."

[[scenario]]
case = "smtp/starttls/injection-after-220"
[[scenario.question]]
id = "words"
ask = "In which words?"
"#;

fn opened(address: &str) -> Option<Browser> {
    if !is_installed("curl") {
        return None;
    }
    let mut browser = Browser::start()?;
    browser.resize(1280, 900);
    browser.open(address);
    browser.wait_for("document.querySelector('#begin')");
    Some(browser)
}

/// What the page says, done with curl.
fn send(browser: &mut Browser, planned: &Planned) -> bool {
    let task = browser.text(".task");
    let mut rows = std::collections::HashMap::new();
    for name in ["server", "port", "user", "password"] {
        rows.insert(name.to_owned(), browser.text(&format!("#set-{name}")));
    }
    curl_sends(&|name| rows[name].clone(), &task, &planned.out())
}

#[test]
fn a_person_walks_through_a_plan() {
    let planned = Planned::new(PLAN);
    let sitting = planned.sit(&["--seed", "7"]);
    let Some(mut browser) = opened(&sitting.address) else {
        return;
    };
    // What is hostile is text.
    assert_eq!(browser.text("#title"), "A <b>device</b>");
    assert_eq!(
        browser.evaluate("document.querySelectorAll('main img, main b').length"),
        json!(0)
    );

    browser.click("#begin");
    browser.wait_for("document.querySelector('#set-port')");
    assert_eq!(browser.text("#set-security"), "TLS (STARTTLS, strict)");
    assert!(send(&mut browser, &planned));
    browser.wait_for("document.querySelector('#wire').innerText.includes('C: STARTTLS')");
    let password = browser.text("#set-password");
    assert!(!browser.text("#wire").contains(&password), "it is masked");
    browser.press("w");
    browser.wait_for("document.querySelector('#verdict')");
    assert!(
        browser.text("#verdict").starts_with("PASS"),
        "{}",
        browser.text("main")
    );

    browser.press("n");
    browser.wait_for("document.querySelector('[data-question=shown]')");
    assert_eq!(browser.text(".note"), "Use the <u>big</u> button.");
    assert_eq!(browser.text("#set-password"), password);
    assert!(!send(&mut browser, &planned));
    browser.click("input[value='an error']");
    // Somebody else's news do not take away what was filled in.
    sitting.ask(&json!({"do": "told", "attempt": 0, "step": 1, "said": "worked"}));
    browser.evaluate("load()");
    assert_eq!(
        browser.evaluate("document.querySelector('input:checked').value"),
        json!("an error")
    );
    browser.click("#failed");
    browser.wait_for("document.querySelector('#verdict')");
    assert!(
        browser.text("#verdict").starts_with("PASS"),
        "{}",
        browser.text("main")
    );

    browser.click("#leave");
    browser.wait_for("document.querySelector('#ended')");
    assert!(
        browser.text("#ended").contains("1 left"),
        "{}",
        browser.text("#ended")
    );
    let ended = sitting.end();
    assert_eq!(ended.code, Some(4), "{ended:?}");

    let sitting = planned.sit(&["--resume"]);
    browser.open(&sitting.address);
    browser.wait_for("document.querySelector('#begin')");
    assert!(browser.text("main").starts_with("Welcome back"));
    browser.click("#begin");
    browser.wait_for("document.querySelector('#q-words')");
    assert_eq!(
        browser.text("#set-password"),
        password,
        "nothing is typed twice"
    );
    send(&mut browser, &planned);
    browser.wait_for("document.querySelector('#wire').innerText.includes('client closes')");
    browser.type_into("#q-words", "<script>document.title = 1</script>");
    browser.click("#failed");
    browser.wait_for("document.querySelector('#verdict')");
    assert!(
        browser.text("#verdict").starts_with("REVIEW"),
        "{}",
        browser.text("main")
    );
    assert!(browser.text("#result").contains("<script>"));
    browser.click("#whole summary");
    browser.wait_for("document.querySelector('#whole').innerText.includes('STARTTLS')");

    // Once more, and left out this time.
    browser.click("#again");
    browser.wait_for("document.querySelector('#q-words')");
    browser.click("details.more summary");
    browser.type_into("#reason", "it takes too long");
    browser.click("#skip");
    browser.wait_for("document.querySelector('#verdict')?.innerText.startsWith('SKIPPED')");
    assert!(browser.text("#count").starts_with("3 of 3"));
    browser.click("#leave");
    browser.wait_for("document.querySelector('#ended')");
    assert_eq!(browser.complaints(), Vec::<String>::new());
    let ended = sitting.end();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let results = results(&planned.out(), &ended);
    let verdicts: Vec<Verdict> = results
        .cases
        .iter()
        .map(|it| it.judgement.verdict)
        .collect();
    assert_eq!(verdicts, [Verdict::Skipped, Verdict::Pass]);
    assert_eq!(results.controls[0].judgement.verdict, Verdict::Pass);
}

#[test]
fn the_page_fits_a_phone_and_the_keyboard_reaches_everything() {
    let planned = Planned::new(PLAN);
    let sitting = planned.sit(&[]);
    let Some(mut browser) = opened(&sitting.address) else {
        return;
    };
    browser.resize(390, 844);
    assert!(!browser.overflows());
    browser.evaluate("document.querySelector('#begin').focus()");
    browser.press("Enter");
    browser.wait_for("document.querySelector('#set-port')");
    assert!(!browser.overflows());
    // Whoever goes on finds the heading, not the top of the page.
    assert_eq!(
        browser.evaluate("document.activeElement.tagName"),
        json!("H2")
    );
    send(&mut browser, &planned);
    browser.press("u");
    browser.wait_for("document.querySelector('#verdict')");
    assert!(!browser.overflows());
    drop(sitting);
    browser.wait_for("!document.querySelector('#banner').hidden");
    assert!(browser.text("#banner").contains("--resume"));
}
