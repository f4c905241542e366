//! Days lived at the phone, then held against the platform's own statistics: what reached us differs by nothing, what
//! was lost on the way by exactly that.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};

use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use fuwu::app::Reconciled;
use fuwu::channel::official::Mode;
use fuwu::domain::ids::Openid;
use fuwu::domain::time::BusinessDay;
use fuwu::sandbox::model::Act;
use fuwu::sandbox::{Sandbox, SandboxSpec};
use serde_json::{Value, json};

use crate::harness::{AES_KEY, APP_ID, MONDAY, ORIGINAL_ID, TOKEN, World, until};
use crate::sandbox_double;

const SECRET: &str = "secret-of-the-tests";
const DAY_SECS: i64 = 86_400;

/// Between the platform and us.
#[derive(Default)]
struct Line {
    /// Where we are, once that is known.
    webhook: OnceLock<String>,
    /// No delivery gets through.
    cut: AtomicBool,
    http: reqwest::Client,
}

async fn carry(line: Data<Line>, request: HttpRequest, body: Bytes) -> HttpResponse {
    if line.cut.load(Ordering::SeqCst) {
        return HttpResponse::BadGateway().finish();
    }
    let url = format!("{}?{}", line.webhook.get().unwrap(), request.query_string());
    let answer = line.http.post(url).header("content-type", "text/xml").body(body).send().await.unwrap();
    let status = answer.status().as_u16().try_into().unwrap();
    HttpResponse::build(status).body(answer.bytes().await.unwrap())
}

/// A platform of its own, a line that can be cut, and fuwu behind it.
struct Lived {
    world: World,
    platform: Sandbox,
    line: Data<Line>,
    now: Arc<AtomicI64>,
}

impl Lived {
    async fn start() -> Self {
        let now = Arc::new(AtomicI64::new(MONDAY.0));
        let spec = SandboxSpec {
            original_id: ORIGINAL_ID.into(),
            app_id: APP_ID.into(),
            app_secret: SECRET.into(),
            token: TOKEN.into(),
            aes_key: AES_KEY.into(),
            patience: fuwu::sandbox::Patience { timeout: std::time::Duration::from_secs(30), ..Default::default() },
            ..sandbox_double::spec(Mode::Safe, &now)
        };
        let spec = SandboxSpec {
            patience: fuwu::sandbox::Patience { interval: std::time::Duration::ZERO, ..spec.patience },
            ..spec
        };
        let platform = Sandbox::open(spec).unwrap();
        let line = Data::new(Line::default());
        let (mounted, shared) = (platform.clone(), line.clone());
        let server = HttpServer::new(move || {
            let mounted = mounted.clone();
            App::new()
                .app_data(shared.clone())
                .route("/line", web::post().to(carry))
                .configure(move |cfg| mounted.configure(cfg))
        });
        let server = server.workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
        let origin = format!("http://{}", server.addrs()[0]);
        actix_web::rt::spawn(server.run());
        platform.set_webhook_url(format!("{origin}/line").parse().unwrap());
        let api_base = format!("{origin}/sandbox/platform/");
        let world = World::start_with(&[("FUWU__ACCOUNTS__DEMO__API_BASE", &api_base)]).await;
        line.webhook.set(world.url("/wechat/demo")).unwrap();
        Self { world, platform, line, now }
    }

    fn at(&self, day: i32, hour: i64) {
        let secs = MONDAY.business_day().plus_days(day).start().0 + hour * 3600;
        self.now.store(secs, Ordering::SeqCst);
        self.world.clock.set(fuwu::domain::time::UnixSecs(secs));
    }

    /// Somebody new follows.
    async fn comes(&self, name: &str) -> Openid {
        let openid = self.platform.add_customer(name).unwrap();
        self.acts(&openid, Act::Follow(None)).await;
        openid
    }

    /// A second later than anything before: events of one customer and second are one delivery (platform.md 9.4).
    async fn acts(&self, openid: &Openid, act: Act) {
        self.now.fetch_add(1, Ordering::SeqCst);
        self.world.clock.advance_secs(1);
        self.platform.send(openid, act).await.unwrap();
    }

    async fn reconcile(&self) -> Reconciled {
        let app = &self.world.running.app;
        app.reconcile(app.account("demo").unwrap()).await.unwrap()
    }

    /// The report over the first days, as the API gives it.
    async fn rows(&self, days: i32) -> Vec<Value> {
        let day = |n| MONDAY.business_day().plus_days(n);
        let path = format!("/api/v1/reports/datacube?account=demo&from={}&to={}", day(0), day(days - 1));
        let answer = self.world.get_json(&path).await;
        assert_eq!(answer["report"], "datacube@1");
        answer["rows"].as_array().unwrap().clone()
    }
}

fn numbers(rows: &[Value], names: &[&str]) -> Vec<Vec<Option<i64>>> {
    rows.iter().map(|row| names.iter().map(|name| row[*name].as_i64()).collect()).collect()
}

const BOTH: [&str; 8] = [
    "follows",
    "follows_platform",
    "unfollows",
    "unfollows_platform",
    "total",
    "total_platform",
    "net_difference",
    "total_gap",
];

#[actix_web::test]
async fn every_day_that_reached_us_differs_by_nothing_and_a_lost_follow_by_one() {
    let lived = Lived::start().await;
    let (lin, chen) = (lived.comes("林小雨").await, lived.comes("陈大伟").await);
    lived.acts(&lin, Act::Text { content: "你好".into(), menu_id: None }).await;
    lived.acts(&chen, Act::Image).await;
    lived.acts(&chen, Act::Unfollow).await;
    lived.acts(&chen, Act::Follow(None)).await;
    lived.at(1, 21);
    lived.acts(&lin, Act::Unfollow).await;
    lived.comes("王芳").await;
    lived.comes("周阿姨").await;
    lived.at(2, 7);
    assert_eq!(lived.reconcile().await, Reconciled::Early);
    lived.at(2, 9);
    // The platform counts from Monday on; of the days before it says nothing.
    assert_eq!(lived.reconcile().await, Reconciled::Done);
    let rows = lived.rows(3).await;
    let known = |n: [i64; 8]| n.map(Some).to_vec();
    let today = vec![Some(0), None, Some(0), None, Some(3), None, None, None];
    assert_eq!(
        numbers(&rows, &BOTH),
        [known([3, 3, 1, 1, 2, 2, 0, 0]), known([2, 2, 1, 1, 3, 3, 0, 0]), today],
        "{rows:?}"
    );
    assert_eq!(numbers(&rows[..1], &["messages_and_scans", "messages_platform"]), [[Some(2), Some(2)]]);

    lived.line.cut.store(true, Ordering::SeqCst);
    lived.comes("没送到").await;
    lived.line.cut.store(false, Ordering::SeqCst);
    lived.comes("送到了").await;
    lived.at(3, 9);
    assert_eq!(lived.reconcile().await, Reconciled::Done);
    lived.at(4, 9);
    assert_eq!(lived.reconcile().await, Reconciled::Done);
    let rows = lived.rows(4).await;
    assert_eq!(
        numbers(&rows[1..], &BOTH),
        [known([2, 2, 1, 1, 3, 3, 0, 0]), known([1, 2, 0, 0, 4, 5, 1, 1]), known([0, 0, 0, 0, 4, 5, 0, 1]),]
    );
}

#[actix_web::test]
async fn a_platform_that_was_away_is_caught_up_with_by_the_worker_of_the_next_start() {
    // The demo's own platform, which the demo's own server is.
    let world = World::start().await;
    let openid = world.sandbox().add_customer("林小雨").unwrap();
    world.sandbox().follow(&openid).await.unwrap();
    let monday = MONDAY.business_day();
    let row = async |world: &World, day: BusinessDay| {
        let path = format!("/api/v1/reports/datacube?from={day}&to={day}");
        world.get_json(&path).await["rows"][0].clone()
    };
    world.clock.advance_secs(3 * DAY_SECS);
    assert_eq!(row(&world, monday).await["follows_platform"], json!(null));
    let world = world.restart().await;
    until("the worker has asked", async || row(&world, monday).await["follows_platform"].is_i64()).await;
    let told = row(&world, monday).await;
    assert_eq!((&told["follows_platform"], &told["total_gap"]), (&json!(1), &json!(0)), "{told}");
}
