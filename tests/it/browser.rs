//! A headless Chromium of the test's own, driven over WebDriver.

use std::future::Future;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fantoccini::elements::Element;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;

/// What a missing browser is answered with.
const MISSING: &str = "chromedriver cannot be started: install chromium and chromium-driver (make setup)";
/// Longest anything on a page may take.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Clone)]
pub struct Page {
    client: Client,
    driver: String,
    origin: String,
}

/// Runs `visit` in a new browser window of that size and closes the browser, whatever happens.
pub async fn visit<F: Future<Output = ()> + 'static>(size: (u32, u32), origin: &str, visit: impl FnOnce(Page) -> F) {
    let (mut driver, address) = start_driver();
    let profile = tempfile::tempdir().unwrap();
    let mut builder = ClientBuilder::new(HttpConnector::new());
    builder.capabilities(capabilities(size, &profile));
    let client = match builder.connect(&address).await {
        Ok(client) => client,
        Err(fault) => {
            stop(&mut driver);
            panic!("chromium cannot be started: install chromium and chromium-driver (make setup): {fault}");
        }
    };
    let page = Page { client: client.clone(), driver: address, origin: origin.to_owned() };
    let outcome = actix_web::rt::spawn(visit(page)).await;
    let closed = client.close().await;
    stop(&mut driver);
    outcome.expect("the visit");
    closed.expect("the browser closes");
}

fn start_driver() -> (Child, String) {
    let started = Command::new("chromedriver").arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let mut driver = started.unwrap_or_else(|fault| panic!("{MISSING}: {fault}"));
    let lines = BufReader::new(driver.stdout.take().unwrap()).lines();
    let port = lines.map_while(Result::ok).find_map(|line| {
        let port = line.split("successfully on port ").nth(1)?.trim_end_matches('.').trim().to_owned();
        Some(port)
    });
    let Some(port) = port else {
        stop(&mut driver);
        panic!("{MISSING}");
    };
    (driver, format!("http://127.0.0.1:{port}"))
}

fn stop(driver: &mut Child) {
    // It may be gone already.
    let _ = driver.kill();
    let _ = driver.wait();
}

/// A narrow window is a phone with a touch screen: a headless window itself is never that narrow.
fn capabilities((width, height): (u32, u32), profile: &TempDir) -> fantoccini::wd::Capabilities {
    let mut options = json!({ "args": [
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        format!("--user-data-dir={}", profile.path().display()), format!("--window-size={width},{height}"),
    ] });
    if width < 500 {
        let metrics = json!({ "width": width, "height": height, "pixelRatio": 2, "touch": true });
        options["mobileEmulation"] = json!({ "deviceMetrics": metrics });
    }
    let all = json!({ "goog:chromeOptions": options, "goog:loggingPrefs": { "browser": "ALL" } });
    all.as_object().unwrap().clone()
}

impl Page {
    pub async fn open(&self, path: &str) {
        self.client.goto(&format!("{}{path}", self.origin)).await.unwrap();
    }

    /// The element once it is there; a missing one fails by name.
    pub async fn find(&self, css: &str) -> Element {
        let waited = self.client.wait().at_most(PATIENCE).for_element(Locator::Css(css)).await;
        waited.unwrap_or_else(|fault| panic!("{css}: {fault}"))
    }

    pub async fn click(&self, css: &str) {
        self.find(css).await.click().await.unwrap_or_else(|fault| panic!("{css}: {fault}"));
    }

    /// Clicks the button with exactly these words inside `css`.
    pub async fn click_words(&self, css: &str, words: &str) {
        self.until(&format!("[...document.querySelectorAll('{css}')].some(b => b.innerText.trim() === '{words}')"))
            .await;
        for element in self.client.find_all(Locator::Css(css)).await.unwrap() {
            // Not `text()`: that is empty while something is still fading in.
            if element.prop("innerText").await.unwrap().unwrap_or_default().trim() == words {
                return element.click().await.unwrap();
            }
        }
        panic!("no {css} says {words}");
    }

    pub async fn type_into(&self, css: &str, keys: &str) {
        self.find(css).await.send_keys(keys).await.unwrap();
    }

    pub async fn script(&self, expression: &str) -> Value {
        self.client.execute(&format!("return ({expression});"), Vec::new()).await.unwrap()
    }

    /// Waits until an expression is true on the page.
    pub async fn until(&self, expression: &str) {
        let watch = format!(
            "const done = arguments[arguments.length - 1]; const end = Date.now() + {};
             const look = () => {{
               if ({expression}) done(true); else if (Date.now() > end) done(false); else setTimeout(look, 20);
             }};
             look();",
            PATIENCE.as_millis()
        );
        let came = self.client.execute_async(&watch, Vec::new()).await.unwrap();
        let shown = self.script("document.body.innerText").await;
        assert!(came == Value::Bool(true), "never true: {expression}\non the page: {shown}");
    }

    /// What the browser complained about: broken scripts, refused resources, breaches of the content policy.
    pub async fn complaints(&self) -> Vec<String> {
        let session = self.client.session_id().await.unwrap().unwrap();
        let url = format!("{}/session/{session}/se/log", self.driver);
        let http = reqwest::Client::new();
        let log: Value = http.post(url).json(&json!({ "type": "browser" })).send().await.unwrap().json().await.unwrap();
        let severe = |entry: &&Value| entry["level"] == "SEVERE";
        log["value"].as_array().unwrap().iter().filter(severe).map(|e| e["message"].to_string()).collect()
    }
}
