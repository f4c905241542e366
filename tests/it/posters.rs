//! Posters with codes of their own: made at the sandbox's platform over HTTP, sent by the outbox, and scanned from the chat
//! they are shown in.

use std::io::Cursor;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures_util::future::join_all;
use fuwu::app::{App, Discretion, Made, ManualClock, Rules, ServedAccount, Wanted};
use fuwu::backend::{self, Backend};
use fuwu::channel::official::api::{Client, ClientSpec, ProcessVault};
use fuwu::channel::official::{Account, AccountSpec, Mode};
use fuwu::config::playbook::Live;
use fuwu::domain::forget::Forget;
use fuwu::domain::ids::{DedupeKey, Openid, Scene};
use fuwu::domain::inbound::{Event, What};
use fuwu::domain::playbook::{HandedOut, Playbook};
use fuwu::domain::poster::{Poster, PosterSettings};
use fuwu::domain::reach::{BY_MESSAGE, BY_TAP, Cause, Opening, Path, Rights};
use fuwu::domain::reply::Reply;
use fuwu::domain::time::UnixSecs;
use fuwu::domain::work::{Task, Work};
use fuwu::growth::lateness::Lateness;
use fuwu::sandbox::model::{Body, Side};
use fuwu::store::{Commit, Committed, CustomerRef, Embedded, Held, Keep, SharedKind, Spec, Store, Stored};
use image::{ImageFormat, Rgb, RgbImage};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::watch;

use crate::harness::{key, until};
use crate::sandbox_double::{AES_KEY, APP_ID, Answer, Double, ORIGINAL_ID, SECRET, START, TOKEN};

const ACTION: &str = "invite";
const CAMPAIGN: &str = "spring";
pub const SCENE: &str = "r:5f3Kq0b8Zt";
const WORDS: &str = "您的邀请口令是 A7K2";
const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

/// The bytes of a picture in one colour.
pub fn background(shade: u8) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    RgbImage::from_pixel(360, 640, Rgb([shade, 120, 60])).write_to(&mut file, ImageFormat::Png).unwrap();
    file.into_inner()
}

pub fn poster(shade: u8) -> Poster {
    let settings = PosterSettings { picture: "posters/spring.png".into(), left: 80, top: 380, side: 200 };
    Poster::new(settings, &background(shade)).unwrap()
}

/// An account whose action hands out this poster, if any, at the platform of a double.
pub fn process(
    double: &Double,
    (store, clock): (&Arc<Embedded>, &Arc<ManualClock>),
    poster: Option<Poster>,
) -> Arc<App> {
    let handed_out = poster.map(|poster| (ACTION.into(), HandedOut { campaign: CAMPAIGN.into(), poster }));
    let playbook = Playbook { posters: handed_out.into_iter().collect(), ..Playbook::default() };
    let spec = AccountSpec {
        id: "demo".into(),
        app_id: APP_ID.into(),
        original_id: ORIGINAL_ID.into(),
        tokens: vec![TOKEN.into()],
        aes_keys: vec![AES_KEY.into()],
        mode: Mode::Safe,
    };
    let ticks = Arc::clone(clock);
    let platform = Client::of(ClientSpec {
        hosts: vec![format!("{}/sandbox/platform/", double.origin).parse().unwrap()],
        app_id: APP_ID.into(),
        app_secret: SECRET.into(),
        http: backend::client().unwrap(),
        vault: Arc::<ProcessVault>::default(),
        clock: Arc::new(move || fuwu::app::Clock::now(ticks.as_ref())),
    });
    let account = ServedAccount {
        channel: Account::new(spec).unwrap(),
        playbook: Live::still(Arc::new(playbook)),
        backend: Backend::new(None, backend::Secrets::default()),
        platform,
        merchant: None,
        rights: Rights::of_service(),
        site: double.origin.clone(),
    };
    let discretion = Discretion { forget: Forget::Tombstone, keep_days: 180, key: key() };
    let rules = Rules { lateness: Lateness::default(), discretion };
    App::new(vec![account], Arc::clone(store), Arc::clone(clock) as Arc<dyn fuwu::app::Clock>, rules)
}

pub struct Stage {
    pub double: Double,
    pub store: Arc<Embedded>,
    pub clock: Arc<ManualClock>,
    /// Whoever asks for posters.
    pub inviter: Openid,
    _dir: TempDir,
}

impl Stage {
    pub async fn new() -> Self {
        let double = Double::start(|_, _| Answer::Raw(200, "success")).await;
        let dir = tempfile::tempdir().unwrap();
        let spec = Spec { partitions: 4, ..Spec::default() };
        let store = Arc::new(Embedded::open(dir.path(), spec, key()).unwrap());
        let clock = Arc::new(ManualClock::at(UnixSecs(START)));
        let inviter = double.sandbox.add_customer("小安").unwrap();
        double.sandbox.follow(&inviter).await.unwrap();
        Self { double, store, clock, inviter, _dir: dir }
    }

    pub fn process(&self, shade: u8) -> Arc<App> {
        process(&self.double, (&self.store, &self.clock), Some(poster(shade)))
    }

    fn of(&self) -> CustomerRef {
        CustomerRef { account: "demo".into(), openid: self.inviter.clone() }
    }

    /// Both clocks.
    fn forward(&self, secs: i64) {
        self.double.now.fetch_add(secs, Ordering::SeqCst);
        self.clock.advance_secs(secs);
    }

    async fn switch(&self, path: &str, change: Value) {
        let (status, answer) = self.double.post(&format!("/sandbox/api/{path}"), &change).await;
        assert!(status < 300, "{answer}");
    }

    async fn refuse(&self, call: &str, errcode: i64, times: u32) {
        self.switch("faults", json!({ "errcodes": { call: { "errcode": errcode, "times": times } } })).await;
    }

    /// The inviter does what opens this, and asks for their poster.
    pub async fn ask(&self, id: &str, opening: Option<Opening>) {
        match opening {
            Some(BY_MESSAGE) => drop(self.double.sandbox.say(&self.inviter, "海报").await.unwrap()),
            Some(_) => drop(self.double.sandbox.scan(&self.inviter, "store:nanjing").await.unwrap()),
            None => {}
        }
        let Stored { version, mut customer } = self.store.load(&self.of()).await.unwrap();
        let now = fuwu::app::Clock::now(self.clock.as_ref());
        if let Some(opening) = opening {
            customer.windows.open(opening, now);
        }
        let alone = Reply::Text(WORDS.into());
        let task = Task::Poster { action: ACTION.into(), scene: SCENE.into(), alone };
        let work = Work { id: id.into(), origin: DedupeKey(7), due: now, expires: now.plus_secs(2 * DAY), task };
        self.commit(version, customer, vec![work]).await;
    }

    async fn commit(&self, base: fuwu::store::Version, customer: fuwu::domain::customer::Customer, outbox: Vec<Work>) {
        let commit = Commit {
            of: self.of(),
            base,
            customer,
            increments: Vec::new(),
            facts: Vec::new(),
            outbox,
            settled: Vec::new(),
            spent: Vec::new(),
            keep: Keep::Known,
        };
        assert_eq!(self.store.commit(commit).await.unwrap(), Committed::Applied);
    }

    async fn held(&self) -> Held {
        self.store.held(&self.of()).await.unwrap().unwrap()
    }

    /// The outbox works until that is so, then finishes what is in hand.
    async fn work_until(&self, app: &Arc<App>, what: &str, holds: impl AsyncFnMut() -> bool) {
        let (stop, stopped) = watch::channel(false);
        let running = tokio::spawn(Arc::clone(app).run_outbox(stopped));
        until(what, holds).await;
        stop.send_replace(true);
        running.await.unwrap();
    }

    /// The outbox works until nothing is left to do.
    pub async fn work(&self, app: &Arc<App>) {
        self.work_until(app, "nothing is left to do", async || self.held().await.outbox.is_empty()).await;
    }

    /// The outbox tries it and puts it off; says until when.
    async fn work_until_put_off(&self, app: &Arc<App>) -> UnixSecs {
        let now = fuwu::app::Clock::now(self.clock.as_ref());
        // A claim ends a minute after it was made.
        let put_off =
            async || self.store.next_due().await.unwrap().is_some_and(|due| due > now && due != now.plus_secs(60));
        self.work_until(app, "it is put off", put_off).await;
        self.store.next_due().await.unwrap().unwrap()
    }

    /// What the account has shown: media ids of pictures, and words.
    pub fn shown(&self) -> (Vec<String>, Vec<String>) {
        let entries = self.double.sandbox.history(&self.inviter, 0).unwrap();
        let (mut pictures, mut words) = (Vec::new(), Vec::new());
        for entry in entries.into_iter().filter(|entry| entry.side == Side::Account) {
            match entry.body {
                Body::Image { media_id } => pictures.push(media_id),
                other => words.push(other.preview()),
            }
        }
        (pictures, words)
    }

    /// Tickets of the living codes with the inviter's scene, the oldest first.
    async fn tickets(&self) -> Vec<String> {
        let listed = self.double.get("/sandbox/api/codes").await;
        let ours = listed["codes"].as_array().unwrap().iter().filter(|code| code["scene"] == SCENE);
        ours.map(|code| code["ticket"].as_str().unwrap().to_owned()).collect()
    }

    /// The scenes by which others came, in turn.
    pub fn came_by(&self) -> Vec<String> {
        let heard = self.double.heard().into_iter();
        let scene = |what: What| match what {
            What::Event(Event::Subscribed { scene: Some(scene), .. }) => Some(scene.as_str().to_owned()),
            _ => None,
        };
        heard.filter_map(|heard| scene(heard.inbound.what)).collect()
    }

    async fn made(&self, app: &App, shade: u8) -> Made {
        let (scene, poster) = (Scene::from(SCENE), poster(shade));
        let wanted = Wanted { campaign: CAMPAIGN, scene: &scene, poster: &poster };
        app.poster(app.account("demo").unwrap(), &wanted).await.unwrap()
    }
}

fn media(made: Made) -> String {
    let Made::Media(id) = made else { panic!("{made:?}") };
    id
}

#[actix_web::test]
async fn a_poster_is_made_once_shown_as_often_as_asked_for_and_friends_come_by_it() {
    let stage = Stage::new().await;
    let app = stage.process(200);
    stage.ask("first", Some(BY_MESSAGE)).await;
    stage.work(&app).await;
    stage.ask("second", Some(BY_MESSAGE)).await;
    stage.work(&app).await;
    let (pictures, words) = stage.shown();
    assert_eq!((pictures.len(), &words[..]), (2, &[][..]));
    assert_eq!(pictures[0], pictures[1], "the platform keeps it");
    assert_eq!(stage.tickets().await.len(), 1);
    for nickname in ["小白", "小兰"] {
        let friend = stage.double.sandbox.add_customer(nickname).unwrap();
        assert_eq!(stage.double.sandbox.scan_picture(&friend, &pictures[0]).await.unwrap().entries, []);
        stage.double.sandbox.follow(&friend).await.unwrap();
    }
    assert_eq!(stage.came_by(), [SCENE, SCENE]);
}

#[actix_web::test]
async fn after_three_days_the_picture_is_uploaded_anew_with_the_same_code() {
    let stage = Stage::new().await;
    let app = stage.process(200);
    let first = media(stage.made(&app, 200).await);
    stage.forward(3 * DAY - 6 * HOUR);
    assert_eq!(media(stage.made(&app, 200).await), first, "it can be sent for six hours");
    stage.forward(1);
    let second = media(stage.made(&app, 200).await);
    assert_ne!(second, first);
    stage.ask("later", Some(BY_MESSAGE)).await;
    stage.work(&app).await;
    assert_eq!((stage.shown().0, stage.tickets().await.len()), (vec![second], 1));
}

#[actix_web::test]
async fn before_a_code_ends_there_is_another_and_both_carry_the_same_scene() {
    let stage = Stage::new().await;
    let app = stage.process(200);
    stage.made(&app, 200).await;
    stage.forward(23 * DAY);
    stage.made(&app, 200).await;
    assert_eq!(stage.tickets().await.len(), 1, "a week is left");
    stage.forward(1);
    let newer = media(stage.made(&app, 200).await);
    let tickets = stage.tickets().await;
    assert_eq!(tickets.len(), 2);
    let come = async |nickname: &str, ticket: &str| {
        let friend = stage.double.sandbox.add_customer(nickname).unwrap();
        stage.double.sandbox.scan(&friend, ticket).await.map(drop)?;
        stage.double.sandbox.follow(&friend).await.map(drop)
    };
    come("小白", &tickets[0]).await.unwrap();
    come("小兰", &tickets[1]).await.unwrap();
    // Day 31: the first code is dead on the platform, and whoever has the newer poster is none the wiser.
    stage.forward(8 * DAY);
    assert!(come("小青", &tickets[0]).await.is_err());
    come("小红", &tickets[1]).await.unwrap();
    assert_eq!(stage.came_by(), [SCENE, SCENE, SCENE]);
    let renewed = media(stage.made(&app, 200).await);
    assert!(renewed != newer && stage.tickets().await == tickets[1..], "the picture anew, not the code");
    app.forget_posters().await.unwrap();
    let records = async || stage.store.shared_of(&"demo".into(), SharedKind::Poster).await.unwrap().len();
    assert_eq!(records().await, 1);
    stage.forward(30 * DAY);
    app.forget_posters().await.unwrap();
    assert_eq!(records().await, 0, "nobody can scan it any more");
}

#[actix_web::test]
async fn an_edited_picture_is_another_poster_with_the_same_code() {
    let stage = Stage::new().await;
    let (before, after) = (stage.process(200), stage.process(90));
    let first = media(stage.made(&before, 200).await);
    stage.ask("edited", Some(BY_MESSAGE)).await;
    stage.work(&after).await;
    let (pictures, _) = stage.shown();
    assert_ne!(pictures, [first]);
    let (name, bytes) = stage.double.sandbox.picture(&pictures[0]).unwrap();
    let corner = image::load_from_memory(&bytes).unwrap().to_rgb8().get_pixel(5, 5).0;
    assert!(name == "poster.jpg" && corner[0].abs_diff(90) < 8, "{corner:?}");
    assert_eq!(stage.tickets().await.len(), 1);
}

#[actix_web::test]
async fn who_may_not_make_codes_or_send_pictures_gives_the_words() {
    for (call, code) in [
        ("cgi-bin/qrcode/create", 48001),
        ("cgi-bin/qrcode/create", 45029),
        ("cgi-bin/media/upload", 48001),
        ("cgi-bin/media/upload", 40009),
        ("cgi-bin/message/custom/send", 48008),
    ] {
        let stage = Stage::new().await;
        stage.refuse(call, code, 1).await;
        stage.ask("w", Some(BY_MESSAGE)).await;
        stage.work(&stage.process(200)).await;
        assert_eq!(stage.shown(), (vec![], vec![WORDS.to_owned()]), "{call} {code}");
        let customer = stage.held().await.stored.customer;
        assert_eq!(customer.windows.room(UnixSecs(START)).map(|room| room.left), Some(4), "{call} {code}");
    }
}

#[actix_web::test]
async fn an_account_that_is_not_certified_gives_the_words_with_the_next_message() {
    let stage = Stage::new().await;
    stage.switch("conditions", json!({ "kind": "subscription", "certified": false })).await;
    stage.ask("w", Some(BY_MESSAGE)).await;
    stage.work(&stage.process(200)).await;
    assert_eq!(stage.shown(), (vec![], vec![]));
    assert_eq!(stage.held().await.stored.customer.notes[0].reply, Reply::Text(WORDS.into()));
}

#[actix_web::test]
async fn a_used_up_quota_is_waited_for_where_the_window_stays_open_and_answered_in_words_where_not() {
    for call in ["cgi-bin/qrcode/create", "cgi-bin/media/upload"] {
        let stage = Stage::new().await;
        let app = stage.process(200);
        stage.switch("faults", json!({ "quota_reached": [call] })).await;
        stage.ask("patient", Some(BY_MESSAGE)).await;
        let due = stage.work_until_put_off(&app).await;
        assert_eq!(stage.shown(), (vec![], vec![]), "{call}");
        stage.switch("faults", json!({ "quota_reached": [] })).await;
        stage.forward(due.secs_since(UnixSecs(START)).max(16 * HOUR));
        stage.work(&app).await;
        assert_eq!((stage.shown().0.len(), stage.shown().1), (1, vec![]), "{call}");
        let stage = Stage::new().await;
        stage.switch("faults", json!({ "quota_reached": [call] })).await;
        stage.ask("hurried", Some(BY_TAP)).await;
        stage.work(&stage.process(200)).await;
        assert_eq!(stage.shown(), (vec![], vec![WORDS.to_owned()]), "{call}");
    }
}

#[actix_web::test]
async fn an_upload_whose_answer_is_lost_is_made_again_and_the_code_is_not() {
    let stage = Stage::new().await;
    let app = stage.process(200);
    // As often as the client tries by itself.
    stage.refuse("cgi-bin/media/upload", -1, 4).await;
    stage.ask("w", Some(BY_MESSAGE)).await;
    let due = stage.work_until_put_off(&app).await;
    assert_eq!((due, stage.shown()), (UnixSecs(START).plus_secs(1), (vec![], vec![])));
    stage.forward(1);
    stage.work(&app).await;
    assert_eq!((stage.shown().0.len(), stage.tickets().await.len()), (1, 1));
}

#[actix_web::test]
async fn a_refused_token_is_renewed_and_nobody_notices() {
    let stage = Stage::new().await;
    let app = stage.process(200);
    stage.switch("faults", json!({ "wrong_token": "once" })).await;
    stage.ask("w", Some(BY_MESSAGE)).await;
    stage.work(&app).await;
    assert_eq!((stage.shown().0.len(), stage.shown().1), (1, vec![]));
}

#[actix_web::test]
async fn two_processes_at_once_make_one_record_and_use_the_same_picture() {
    let stage = Stage::new().await;
    let (one, other) = (stage.process(200), stage.process(200));
    let wishes = (0..10).map(|n| stage.made(if n % 2 == 0 { &one } else { &other }, 200));
    let mut made: Vec<String> = join_all(wishes).await.into_iter().map(media).collect();
    made.dedup();
    assert_eq!(made.len(), 1);
    let records = stage.store.shared_of(&"demo".into(), SharedKind::Poster).await.unwrap();
    let [(part, record)] = &records[..] else { panic!("{records:?}") };
    let kept: Value = serde_json::from_slice(&record.body).unwrap();
    assert_eq!((record.version.0, &kept["media"]["id"]), (2, &json!(made[0])), "the code, then the picture");
    assert!(part.starts_with("poster/") && !format!("{part} {kept}").contains(SCENE), "nobody reads whose it is");
}

#[actix_web::test]
async fn who_dies_between_upload_and_message_leaves_a_message_that_goes_once() {
    let stage = Stage::new().await;
    stage.ask("w", Some(BY_MESSAGE)).await;
    let dying = stage.process(200);
    let uploaded = media(stage.made(&dying, 200).await);
    drop(dying);
    let next = stage.process(200);
    stage.work(&next).await;
    assert_eq!(stage.shown(), (vec![uploaded], vec![]));
    // And one that died while the platform was asked: nobody knows, so it is not shown twice.
    stage.ask("unknown", Some(BY_MESSAGE)).await;
    let Stored { version, mut customer } = stage.store.load(&stage.of()).await.unwrap();
    customer.ways.begin(&"unknown".into(), (Path::CustomerService, UnixSecs(START)));
    stage.commit(version, customer, vec![]).await;
    stage.work(&next).await;
    assert_eq!((stage.shown().0.len(), stage.shown().1), (1, vec![]));
    let customer = stage.held().await.stored.customer;
    assert!(matches!(customer.ways.unsent(), [unsent] if unsent.cause == Cause::Unknown));
}

#[actix_web::test]
async fn where_no_window_is_open_the_words_wait_for_the_next_visit_and_nothing_is_made() {
    let stage = Stage::new().await;
    stage.ask("w", None).await;
    stage.work(&stage.process(200)).await;
    assert_eq!(stage.shown(), (vec![], vec![]));
    assert_eq!(stage.held().await.stored.customer.notes[0].reply, Reply::Text(WORDS.into()));
    assert_eq!(stage.tickets().await.len(), 0, "no code is spent on what cannot be shown");
}

#[actix_web::test]
async fn a_window_that_the_platform_calls_closed_leaves_words_and_no_dying_media_id() {
    let stage = Stage::new().await;
    stage.refuse("cgi-bin/message/custom/send", 45015, 1).await;
    stage.ask("w", Some(BY_MESSAGE)).await;
    stage.work(&stage.process(200)).await;
    assert_eq!(stage.shown(), (vec![], vec![]));
    assert_eq!(stage.held().await.stored.customer.notes[0].reply, Reply::Text(WORDS.into()));
}

#[actix_web::test]
async fn a_media_id_that_the_platform_forgot_before_its_time_is_made_anew() {
    let stage = Stage::new().await;
    let app = stage.process(200);
    let lost = media(stage.made(&app, 200).await);
    stage.refuse("cgi-bin/message/custom/send", 40007, 1).await;
    stage.ask("w", Some(BY_MESSAGE)).await;
    stage.work_until_put_off(&app).await;
    stage.forward(1);
    stage.work(&app).await;
    let (pictures, words) = stage.shown();
    assert_eq!((pictures.len(), &words[..]), (1, &[][..]));
    assert_ne!(pictures[0], lost);
}

#[actix_web::test]
async fn a_poster_that_the_playbook_has_no_more_is_said_in_words() {
    let stage = Stage::new().await;
    stage.ask("w", Some(BY_MESSAGE)).await;
    stage.work(&process(&stage.double, (&stage.store, &stage.clock), None)).await;
    assert_eq!(stage.shown(), (vec![], vec![WORDS.to_owned()]));
}

#[actix_web::test]
async fn a_store_that_forgot_makes_another_code_and_the_old_one_goes_on_working() {
    let stage = Stage::new().await;
    let first = media(stage.made(&stage.process(200), 200).await);
    let dir = tempfile::tempdir().unwrap();
    let empty = Arc::new(Embedded::open(dir.path(), Spec { partitions: 4, ..Spec::default() }, key()).unwrap());
    let forgetful = process(&stage.double, (&empty, &stage.clock), Some(poster(200)));
    let second = media(stage.made(&forgetful, 200).await);
    for (nickname, media_id) in [("小白", &first), ("小兰", &second)] {
        let friend = stage.double.sandbox.add_customer(nickname).unwrap();
        stage.double.sandbox.scan_picture(&friend, media_id).await.unwrap();
        stage.double.sandbox.follow(&friend).await.unwrap();
    }
    assert_eq!((stage.came_by(), stage.tickets().await.len()), (vec![SCENE.into(), SCENE.into()], 2));
}
