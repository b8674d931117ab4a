//! A headless Chromium, driven over the DevTools protocol: opens pages, evaluates, clicks, types, waits, takes
//! pictures, and keeps what the page complained of.
//!
//! Blocking, one page. Must not know what is on the page.

use std::{
    collections::VecDeque,
    io::{BufRead as _, BufReader},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};
use tungstenite::{Message, WebSocket};

use crate::program::skipped;

/// How long anything may take before the test fails.
const PATIENCE: Duration = Duration::from_secs(60);

const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// A browser with one page. It ends with the value.
pub struct Browser {
    child: Child,
    socket: WebSocket<TcpStream>,
    session: String,
    next: u64,
    events: VecDeque<Value>,
    complaints: Vec<String>,
    _profile: tempfile::TempDir,
}

impl Browser {
    /// Starts Chromium. `None`, with a line on standard error that begins with `skipped: `, where there is none.
    ///
    /// # Panics
    /// Where there is one and it cannot be driven.
    pub fn start() -> Option<Self> {
        let profile = tempfile::tempdir().expect("a folder for the profile");
        let started = NAMES.iter().find_map(|name| {
            let mut command = Command::new(name);
            command
                .args([
                    "--headless",
                    "--no-sandbox",
                    "--disable-gpu",
                    "--no-first-run",
                ])
                .args(["--disable-dev-shm-usage", "--disable-background-networking"])
                .args(["--force-color-profile=srgb", "--lang=en-US"])
                .arg("--remote-debugging-port=0")
                .arg(format!("--user-data-dir={}", profile.path().display()))
                .arg("about:blank")
                .env("NO_PROXY", "*")
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::piped());
            command.spawn().ok()
        });
        let Some(mut child) = started else {
            skipped("no chromium on this machine");
            return None;
        };
        let mut stderr = BufReader::new(child.stderr.take().expect("a pipe"));
        let address = loop {
            let mut line = String::new();
            let octets = stderr.read_line(&mut line).expect("what chromium says");
            assert!(octets > 0, "chromium ended before it listened");
            if let Some((_, address)) = line.split_once("DevTools listening on ") {
                break address.trim().to_owned();
            }
        };
        // What it says later is read and dropped, or the pipe would fill.
        std::thread::spawn(move || std::io::copy(&mut stderr, &mut std::io::sink()));
        let host = address
            .trim_start_matches("ws://")
            .split('/')
            .next()
            .unwrap_or_default()
            .to_owned();
        let stream = TcpStream::connect(host).expect("the port of DevTools");
        stream
            .set_read_timeout(Some(PATIENCE))
            .expect("a read timeout");
        let (socket, _) = tungstenite::client(&address, stream).expect("a WebSocket");
        let mut browser = Self {
            child,
            socket,
            session: String::new(),
            next: 0,
            events: VecDeque::new(),
            complaints: Vec::new(),
            _profile: profile,
        };
        let target = browser.call("Target.createTarget", json!({"url": "about:blank"}));
        let attached = browser.call(
            "Target.attachToTarget",
            json!({"targetId": target["targetId"], "flatten": true}),
        );
        browser.session = attached["sessionId"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        Some(browser)
    }

    /// Sets the size of the window in CSS pixels. Below 600 it is a phone: touch, and its width is the page's.
    pub fn resize(&mut self, width: u32, height: u32) {
        self.call(
            "Emulation.setDeviceMetricsOverride",
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}),
        );
    }

    /// Asks for dark or light colours.
    pub fn prefer_dark(&mut self, dark: bool) {
        let value = if dark { "dark" } else { "light" };
        self.call(
            "Emulation.setEmulatedMedia",
            json!({"features": [{"name": "prefers-color-scheme", "value": value}]}),
        );
    }

    /// Whether scripts of pages that are opened from now on are run.
    pub fn scripts(&mut self, run: bool) {
        self.call(
            "Emulation.setScriptExecutionDisabled",
            json!({"value": !run}),
        );
    }

    /// Opens an address and waits until it has loaded.
    ///
    /// # Panics
    /// Where it cannot be loaded.
    pub fn open(&mut self, address: &str) {
        self.events.clear();
        let answer = self.call("Page.navigate", json!({"url": address}));
        assert!(
            answer.get("errorText").is_none(),
            "{address}: {}",
            answer["errorText"]
        );
        if answer.get("loaderId").is_some() {
            self.event("Page.loadEventFired");
        }
    }

    /// Opens a file.
    pub fn open_file(&mut self, path: &Path) {
        self.open(&format!("file://{}", path.display()));
    }

    /// The value of a JavaScript expression; promises are waited for.
    ///
    /// # Panics
    /// Where it throws.
    pub fn evaluate(&mut self, expression: &str) -> Value {
        let answer = self.call(
            "Runtime.evaluate",
            json!({"expression": expression, "awaitPromise": true, "returnByValue": true}),
        );
        assert!(
            answer.get("exceptionDetails").is_none(),
            "{expression}: {answer}"
        );
        answer["result"]["value"].clone()
    }

    /// The text of the first element that fits a selector, as it is seen. Waits for the element: what is made
    /// when something opens is there a little later.
    pub fn text(&mut self, selector: &str) -> String {
        self.wait_for(&format!("document.querySelector({})", json!(selector)));
        let value = self.evaluate(&format!(
            "document.querySelector({}).innerText",
            json!(selector)
        ));
        value.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until a JavaScript expression is true; it is looked at again and again, and survives a page that
    /// is loaded meanwhile.
    ///
    /// # Panics
    /// Where that does not come.
    pub fn wait_for(&mut self, condition: &str) {
        let expression = format!(
            "new Promise(done => {{ const began = Date.now(); const look = () => {{ let is = false; \
             try {{ is = !!({condition}); }} catch {{}} \
             if (is || Date.now() - began > {}) done(is); else setTimeout(look, 20); }}; look(); }})",
            PATIENCE.as_millis() / 3
        );
        // A page that is left takes its promise with it.
        for _ in 0..5 {
            let params =
                json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
            match self.ask("Runtime.evaluate", params) {
                Ok(answer) if answer["result"]["value"] == json!(true) => return,
                Ok(answer) if answer["result"]["value"] == json!(false) => break,
                _ => {}
            }
        }
        let page = self.evaluate("document.body.innerText.slice(0, 2000)");
        panic!(
            "never true: {condition}\n{}",
            page.as_str().unwrap_or_default()
        );
    }

    /// Clicks on the middle of the first element that fits a selector.
    ///
    /// # Panics
    /// Where there is none, or it has no size.
    pub fn click(&mut self, selector: &str) {
        let place = self.evaluate(&format!(
            "(() => {{ const it = document.querySelector({}); if (!it) return null; \
             it.scrollIntoView({{block: 'center', behavior: 'instant'}}); const box = it.getBoundingClientRect(); \
             return box.width ? [box.x + box.width / 2, box.y + box.height / 2] : null; }})()",
            json!(selector)
        ));
        assert!(place.is_array(), "nothing to click: {selector}");
        for kind in ["mousePressed", "mouseReleased"] {
            self.call(
                "Input.dispatchMouseEvent",
                json!({"type": kind, "x": place[0], "y": place[1], "button": "left", "clickCount": 1}),
            );
        }
    }

    /// Clicks on an element and types.
    pub fn type_into(&mut self, selector: &str, text: &str) {
        self.click(selector);
        self.call("Input.insertText", json!({"text": text}));
    }

    /// Presses and releases a key: `Enter`, `Escape`, `ArrowDown`, `j`, `/`.
    pub fn press(&mut self, key: &str) {
        let (code, number) = match key {
            "Enter" => ("Enter", 13),
            "Escape" => ("Escape", 27),
            "Tab" => ("Tab", 9),
            "ArrowUp" => ("ArrowUp", 38),
            "ArrowDown" => ("ArrowDown", 40),
            _ => ("", 0),
        };
        let text = match key {
            "Enter" => "\r",
            key if key.chars().count() == 1 => key,
            _ => "",
        };
        self.call(
            "Input.dispatchKeyEvent",
            json!({"type": if text.is_empty() { "rawKeyDown" } else { "keyDown" }, "key": key, "code": code,
                "windowsVirtualKeyCode": number, "text": text}),
        );
        self.call(
            "Input.dispatchKeyEvent",
            json!({"type": "keyUp", "key": key, "code": code, "windowsVirtualKeyCode": number}),
        );
    }

    /// A picture as PNG: of what is in the window, or of the whole page.
    pub fn screenshot(&mut self, whole: bool) -> Vec<u8> {
        let answer = self.call(
            "Page.captureScreenshot",
            json!({"format": "png", "captureBeyondViewport": whole}),
        );
        decode(&answer["data"])
    }

    /// The page as it is printed, PDF.
    pub fn pdf(&mut self) -> Vec<u8> {
        let answer = self.call("Page.printToPDF", json!({"printBackground": true}));
        decode(&answer["data"])
    }

    /// Whether the page is wider than the window, so that it would scroll to the side.
    pub fn overflows(&mut self) -> bool {
        let wider = "document.documentElement.scrollWidth > document.documentElement.clientWidth";
        self.evaluate(wider) == json!(true)
    }

    /// What the pages complained of so far: exceptions, errors in the console, refused scripts and loads; and
    /// the addresses that they asked for outside of files and loopback.
    pub fn complaints(&mut self) -> Vec<String> {
        // An answer comes behind all events before it.
        self.evaluate("0");
        self.complaints.clone()
    }

    fn call(&mut self, method: &str, params: Value) -> Value {
        self.ask(method, params)
            .unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    fn ask(&mut self, method: &str, params: Value) -> Result<Value, String> {
        self.next += 1;
        let id = self.next;
        let mut request = json!({"id": id, "method": method, "params": params});
        if !self.session.is_empty() {
            request["sessionId"] = json!(self.session);
        }
        self.socket
            .send(Message::text(request.to_string()))
            .expect("chromium listens");
        loop {
            let message = self.read();
            if message["id"] == json!(id) {
                return match message.get("error") {
                    Some(error) => Err(error.to_string()),
                    None => Ok(message["result"].clone()),
                };
            }
            self.take(message);
        }
    }

    fn event(&mut self, method: &str) {
        loop {
            let found = self
                .events
                .iter()
                .position(|it| it["method"] == json!(method));
            if let Some(at) = found {
                self.events.drain(..=at);
                return;
            }
            let message = self.read();
            self.take(message);
        }
    }

    fn read(&mut self) -> Value {
        loop {
            match self.socket.read() {
                Ok(Message::Text(text)) => {
                    return serde_json::from_str(text.as_str()).expect("JSON from chromium");
                }
                Ok(_) => {}
                Err(error) => panic!("chromium says nothing more: {error}"),
            }
        }
    }

    fn take(&mut self, message: Value) {
        let params = &message["params"];
        let complaint = match message["method"].as_str() {
            Some("Runtime.exceptionThrown") => Some(params["exceptionDetails"].to_string()),
            Some("Runtime.consoleAPICalled") if params["type"] == json!("error") => {
                Some(params["args"].to_string())
            }
            Some("Log.entryAdded") if params["entry"]["level"] == json!("error") => {
                Some(params["entry"]["text"].to_string())
            }
            Some("Network.requestWillBeSent") => {
                let address = params["request"]["url"].as_str().unwrap_or_default();
                let near = [
                    "file:",
                    "data:",
                    "blob:",
                    "about:",
                    "http://127.0.0.1",
                    "http://localhost",
                    "http://[::1]",
                ];
                let far = !near.iter().any(|it| address.starts_with(it));
                far.then(|| format!("asks for {address}"))
            }
            _ => None,
        };
        self.complaints.extend(complaint);
        if message.get("method").is_some() {
            self.events.push_back(message);
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn decode(data: &Value) -> Vec<u8> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let data = data.as_str().unwrap_or_default();
    STANDARD.decode(data).expect("base64 from chromium")
}
