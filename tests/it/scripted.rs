//! A platform that gives each answer a real one may give.

use std::collections::HashMap;
use std::sync::Mutex;

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use serde_json::{Value, json};

/// A platform by its answers; what is put there as a menu, it tells from then on.
pub struct Platform {
    inside: web::Data<Inside>,
    /// Its API base.
    pub base: String,
}

impl Platform {
    /// Starts with the usual answers.
    pub fn start() -> Self {
        let inside = web::Data::new(Inside::default());
        let shared = inside.clone();
        let server = HttpServer::new(move || App::new().app_data(shared.clone()).default_service(web::to(answer)));
        let server = server.workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}/", server.addrs()[0]);
        actix_web::rt::spawn(server.run());
        Self { inside, base }
    }

    /// From now on it answers like this, and otherwise as usual; what was asked is forgotten.
    pub fn answers_with(&self, answers: &[(&'static str, Value)]) {
        *self.inside.answers.lock().unwrap() = answers.iter().cloned().collect();
        self.inside.asked.lock().unwrap().clear();
    }

    /// Whether this was called since.
    pub fn was_asked(&self, path: &str) -> bool {
        self.inside.asked.lock().unwrap().iter().any(|asked| asked == path)
    }
}

#[derive(Default)]
struct Inside {
    /// In place of the usual answers, by path; `null` is none at all.
    answers: Mutex<HashMap<&'static str, Value>>,
    asked: Mutex<Vec<String>>,
}

/// What a sound account is answered.
fn usual(path: &str) -> Value {
    match path {
        "cgi-bin/stable_token" => json!({ "access_token": "T", "expires_in": 7200 }),
        "cgi-bin/get_api_domain_ip" => json!({ "ip_list": ["203.0.113.7"] }),
        "cgi-bin/menu/get" => json!({ "errcode": 46003, "errmsg": "menu no exist" }),
        "cgi-bin/tags/get" => json!({ "tags": [] }),
        "cgi-bin/customservice/getkflist" => json!({ "kf_list": [] }),
        "cgi-bin/template/get_all_private_template" => json!({ "template_list": [] }),
        "wxaapi/newtmpl/gettemplate" => json!({ "data": [] }),
        "datacube/getusersummary" => json!({ "list": [] }),
        "cgi-bin/openapi/quota/get" => json!({ "quota": { "daily_limit": 100, "used": 79, "remain": 21 } }),
        "cgi-bin/callback/check" => ping(&["0%"]),
        _ => json!({ "errcode": 0, "errmsg": "ok" }),
    }
}

/// What `callback/check` finds, by the packets each line loses.
pub fn ping(losses: &[&str]) -> Value {
    let ping = losses
        .iter()
        .map(|loss| json!({ "ip": "203.0.113.9", "from_operator": "CAP", "package_loss": loss, "time": "" }));
    json!({ "dns": [{ "ip": "203.0.113.9", "real_operator": "CAP" }], "ping": ping.collect::<Vec<_>>() })
}

async fn answer(request: HttpRequest, platform: web::Data<Inside>, body: web::Bytes) -> HttpResponse {
    let path = request.path().trim_start_matches('/').to_owned();
    let special = platform.answers.lock().unwrap().get(path.as_str()).cloned();
    let greeting = path == "cgi-bin/get_api_domain_ip" && !request.query_string().contains("access_token");
    platform.asked.lock().unwrap().push(path.clone());
    if path == "cgi-bin/menu/create" {
        let menu = json!({ "menu": serde_json::from_slice::<Value>(&body).unwrap() });
        platform.answers.lock().unwrap().insert("cgi-bin/menu/get", menu);
    }
    if path == "cgi-bin/menu/delete" {
        platform.answers.lock().unwrap().remove("cgi-bin/menu/get");
    }
    match special {
        _ if greeting => HttpResponse::Ok().json(json!({ "errcode": 41001, "errmsg": "access_token missing" })),
        Some(Value::Null) => std::future::pending().await,
        Some(special) => HttpResponse::Ok().json(special),
        None => HttpResponse::Ok().json(usual(&path)),
    }
}
