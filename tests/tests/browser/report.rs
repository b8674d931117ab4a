//! The page of `mailproof report`, as a person uses it.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use mailproof_tests::{
    browser::Browser,
    program::{Report, mailproof},
};
use serde_json::{Value, json};
use tempfile::TempDir;

const CASE: &str = "smtp/starttls/injection-after-220";

/// Two subjects and their matrix, made once.
struct Runs {
    first: Report,
    folder: TempDir,
}

impl Runs {
    fn page(&self) -> PathBuf {
        self.folder.path().join("matrix.html")
    }
}

fn runs() -> &'static Runs {
    static RUNS: OnceLock<Runs> = OnceLock::new();
    RUNS.get_or_init(|| {
        let include = [
            "-i",
            CASE,
            "-i",
            "cert/trust/self-signed",
            "-i",
            "smtp/greeting/**",
        ];
        let run = |adapter: Option<&str>| {
            let arguments = ["run"].into_iter().chain(adapter).chain(include);
            Report::of(&arguments.collect::<Vec<_>>())
        };
        let (first, second) = (run(None), run(Some("accepts-everything")));
        let folder = tempfile::tempdir().unwrap();
        let runs = Runs { first, folder };
        let path = |it: &Path| it.to_str().unwrap().to_owned();
        let ended = mailproof(&[
            "report",
            &path(runs.first.folder.path()),
            &path(second.folder.path()),
            "--out",
            &path(&runs.page()),
        ]);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        runs
    })
}

fn rows(browser: &mut Browser) -> u64 {
    let rows = browser.evaluate("document.querySelectorAll('tr.row').length");
    rows.as_u64().unwrap()
}

#[test]
fn it_is_searched_filtered_and_read() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    browser.resize(1280, 900);
    browser.open_file(&runs().page());
    browser.wait_for("document.querySelectorAll('tr.row').length > 0");
    assert!(browser.text("#overview").contains("2 subjects compared"));
    let failed = rows(&mut browser);

    browser.click("#reset");
    let all = rows(&mut browser);
    assert_eq!(all, runs().first.results.cases.len() as u64);
    assert!(failed < all, "{failed} of {all}");
    browser.click("#differ");
    assert!(rows(&mut browser) < all);
    browser.click("#differ");

    browser.evaluate("void document.activeElement.blur()");
    browser.press("/");
    browser.wait_for("document.activeElement.id === 'search'");
    browser.type_into("#search", "injection-after-220 RFC");
    browser.wait_for("document.querySelectorAll('tr.row').length === 3");
    browser.wait_for("location.hash.includes('q=injection-after-220')");

    browser.press("Enter");
    browser.wait_for("document.querySelector('tr.at a') === document.activeElement");
    browser.press("Enter");
    browser.wait_for("!document.getElementById('case').hidden");
    let case = browser.text("#case");
    for words in [
        "Replies smuggled in clear behind the 220",
        "What the server did",
        "What a good client does",
        "its control, without the deviation",
        "here the server deviates",
        "RFC 3207 §4.2",
        "mailproof run --include",
        "Unencrypted data was slipped in",
    ] {
        assert!(case.contains(words), "{words}\n{case}");
    }
    browser.click("#octets summary");
    browser.wait_for("document.querySelector('#octets pre').textContent.startsWith('0000  ')");
    assert!(browser.text("#octets").contains("53 54 41 52 54 54 4c 53"));
    browser.click("#tls summary");
    assert!(browser.text("#tls dl").contains("localhost"));

    browser.click("#language");
    browser.wait_for("document.documentElement.lang === 'de'");
    assert!(
        browser
            .text("#case")
            .contains("Hinter die Antwort auf STARTTLS")
    );
    assert!(
        !browser
            .text("#case")
            .contains("Unencrypted data was slipped in")
    );
    browser.click("#language");

    browser.press("j");
    browser.wait_for("location.hash.includes('inside-line')");
    browser.press("Escape");
    browser.wait_for("document.getElementById('case').hidden");
    assert_eq!(rows(&mut browser), 3);
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
fn a_link_that_was_sent_shows_the_same() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let page = runs().page();
    let link = format!(
        "file://{}#q=self-signed&verdict=all&protocol=imap",
        page.display()
    );
    browser.open(&link);
    browser.wait_for("document.querySelectorAll('tr.row').length > 0");
    assert_eq!(
        browser.evaluate("document.getElementById('search').value"),
        json!("self-signed")
    );
    assert!(browser.evaluate("[...document.querySelectorAll('tr.row .id')].every(it => it.textContent.includes('imap'))") == json!(true));

    browser.open(&format!(
        "file://{}#case={CASE}&run=1&lang=de",
        page.display()
    ));
    browser.wait_for(
        "document.documentElement.lang === 'de' && !document.getElementById('case').hidden",
    );
    assert!(
        browser
            .text("[role=tab][aria-selected=true]")
            .contains("ccepts")
    );
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
fn it_fits_a_phone_in_both_colours() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    browser.resize(390, 844);
    let page = runs().page();
    for (dark, colour) in [(false, "rgb(246, 247, 249)"), (true, "rgb(20, 23, 28)")] {
        browser.prefer_dark(dark);
        for place in ["", "#verdict=all", &format!("#case={CASE}")] {
            browser.open("about:blank");
            browser.open(&format!("file://{}{place}", page.display()));
            browser.evaluate(
                "void document.querySelectorAll('details').forEach(it => it.open = true)",
            );
            browser.wait_for("document.querySelector('main').offsetHeight > 300");
            assert!(!browser.overflows(), "{place}");
        }
        let seen = browser.evaluate("getComputedStyle(document.body).backgroundColor");
        assert_eq!(seen, json!(colour));
        // Whatever is wider scrolls in itself.
        let wide = browser.evaluate(
            "[...document.querySelectorAll('#case *')].filter(it => it.getBoundingClientRect().right > innerWidth + 1 \
             && !it.closest('pre')).map(it => it.outerHTML.slice(0, 200))",
        );
        assert_eq!(wide, json!([]));
    }
    browser.click("#theme");
    browser.wait_for("getComputedStyle(document.body).backgroundColor === 'rgb(246, 247, 249)'");
    assert!(browser.pdf().len() > 10_000);
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
fn text_can_be_told_from_what_is_behind_it() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let page = runs().page();
    browser.resize(1280, 900);
    for dark in [false, true] {
        browser.prefer_dark(dark);
        for place in ["#verdict=all", &format!("#case={CASE}")] {
            browser.open("about:blank");
            browser.open(&format!("file://{}{place}", page.display()));
            browser.wait_for("document.querySelectorAll('tr.row').length > 0");
            let weak = browser.evaluate(WEAK);
            assert_eq!(weak, json!([]), "dark: {dark}, {place}");
        }
    }
}

/// Texts whose contrast is below 4.5 to 1 (WCAG 2.2 §1.4.3).
const WEAK: &str = "(() => {
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    const parts = (colour) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data]; };
    const light = (rgb) => { const [r, g, b] = rgb.map((it) => { it /= 255; return it <= 0.04045 ? it / 12.92 : ((it + 0.055) / 1.055) ** 2.4; });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
    const behind = (it) => { for (; it; it = it.parentElement) { const colour = parts(getComputedStyle(it).backgroundColor); if (colour[3] === 255) return colour; }
        return [255, 255, 255, 255]; };
    const found = new Set();
    for (const it of document.querySelectorAll('body *')) {
        if (!it.checkVisibility() || it.closest('.visually-hidden') || it.disabled || it.closest('button:disabled') || ![...it.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim())) continue;
        const [one, two] = [light(parts(getComputedStyle(it).color).slice(0, 3)), light(behind(it).slice(0, 3))];
        const contrast = (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
        if (contrast < 4.5) found.add(it.tagName + '.' + it.className + ' ' + contrast.toFixed(2));
    }
    return [...found];
})()";

#[test]
fn without_scripts_the_findings_are_there() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    browser.scripts(false);
    browser.open_file(&runs().page());
    browser.scripts(true);
    let text = browser.text("main");
    for words in [
        "Ran ",
        "Findings, worst first",
        "Who must act",
        "not tested, and why",
        "need JavaScript",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    assert!(
        text.contains("it took a reply that was smuggled in"),
        "{text}"
    );
    assert!(!text.contains("Befunde"), "one language at a time");
}

#[test]
fn hostile_text_stays_text() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    const EVIL: &str = "</script><script>window.owned=1</script><img src=x onerror='window.owned=1'>\u{2028}\u{202e}\"--><svg onload=window.owned=1>";
    let source = fs::read_to_string(runs().first.folder.path().join("results.json")).unwrap();
    let mut results: Value = serde_json::from_str(&source).unwrap();
    poison(&mut results, EVIL);
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("results.json"), results.to_string()).unwrap();
    let ended = mailproof(&["report", dir.path().to_str().unwrap()]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);

    let page = dir.path().join("report.html");
    browser.open_file(&page);
    browser.wait_for("document.querySelectorAll('tr.row').length > 0");
    browser.evaluate("void document.querySelectorAll('details').forEach(it => it.open = true)");
    let rows = browser
        .evaluate("[...document.querySelectorAll('tr.row a')].map(it => it.getAttribute('href'))");
    for link in rows.as_array().unwrap().iter().take(4) {
        let address = format!("file://{}{}", page.display(), link.as_str().unwrap());
        browser.open(&address);
        browser.wait_for("!document.getElementById('case').hidden");
        browser.evaluate(
            "void document.querySelectorAll('#case details').forEach(it => it.open = true)",
        );
        assert!(browser.text("#case").contains("<img src=x"));
    }
    assert_eq!(browser.evaluate("typeof window.owned"), json!("undefined"));
    assert_eq!(
        browser.evaluate("document.querySelectorAll('img, svg:not(.counts), body iframe').length"),
        json!(0)
    );
    assert_eq!(browser.complaints(), [""; 0]);
}

/// Puts something behind every text that is no word of the format.
fn poison(value: &mut Value, evil: &str) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let fixed = [
                    "verdict",
                    "kind",
                    "severity",
                    "frequency",
                    "level",
                    "held",
                    "who",
                    "control",
                    "now",
                    "supports",
                ];
                if !fixed.contains(&key.as_str()) {
                    poison(value, evil);
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|it| poison(it, evil)),
        Value::String(text) => text.push_str(evil),
        _ => {}
    }
}
