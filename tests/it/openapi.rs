//! The description of the API is true: what it names is there, and what is there it names.

use std::path::Path;

use fuwu::growth::report::{By, ReportName};
use reqwest::Method;
use serde_json::{Value, json};

use crate::hand::message_at;
use crate::harness::{API_TOKEN, World};

/// Why a value is not as a schema says; `None` when it is.
fn amiss(value: &Value, schema: &Value, root: &Value) -> Option<String> {
    if let Some(reference) = schema["$ref"].as_str() {
        return amiss(value, root.pointer(reference.trim_start_matches('#')).unwrap(), root);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let faults: Vec<_> = choices.iter().map(|choice| amiss(value, choice, root)).collect();
        let fit = faults.iter().filter(|fault| fault.is_none()).count();
        return (fit != 1).then(|| format!("{fit} of {} fit: {faults:?}", choices.len()));
    }
    let is = |kind: &str| match kind {
        "string" => value.is_string(),
        "integer" => value.is_i64(),
        "boolean" => value.is_boolean(),
        "object" => value.is_object(),
        "array" => value.is_array(),
        "null" => value.is_null(),
        other => panic!("a type that this test does not know: {other}"),
    };
    let fits = match &schema["type"] {
        Value::String(kind) => is(kind),
        Value::Array(kinds) => kinds.iter().any(|kind| is(kind.as_str().unwrap())),
        _ => true,
    };
    if !fits {
        return Some(format!("{value} is no {}", schema["type"]));
    }
    if let Some(text) = value.as_str() {
        let pattern = schema["pattern"].as_str().map(|pattern| regex::Regex::new(pattern).unwrap());
        let day = regex::Regex::new("^[0-9]{4}-[0-9]{2}-[0-9]{2}$").unwrap();
        let named = schema["enum"].as_array().is_none_or(|words| words.contains(value));
        if pattern.is_some_and(|p| !p.is_match(text)) || !named || (schema["format"] == "date" && !day.is_match(text)) {
            return Some(format!("{value} is not as {schema}"));
        }
    }
    let inside =
        |key: &str, value: &Value, schema: &Value| amiss(value, schema, root).map(|why| format!("{key}: {why}"));
    if let Some(object) = value.as_object() {
        let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let missing = required.filter(|key| !object.contains_key(*key)).map(|key| format!("no {key}"));
        let known = |key: &str| schema["properties"].get(key);
        let wrong = object.iter().filter_map(|(key, value)| match known(key) {
            Some(schema) => inside(key, value, schema),
            None => schema.get("additionalProperties").and_then(|schema| inside(key, value, schema)),
        });
        return missing.chain(wrong).next();
    }
    let items = value.as_array().into_iter().flatten().enumerate();
    items.filter_map(|(n, value)| inside(&n.to_string(), value, schema.get("items")?)).next()
}

#[test]
fn the_checker_of_schemas_finds_what_is_wrong() {
    let root = json!({ "s": { "type": "object", "required": ["n"], "properties": {
        "n": { "type": ["integer", "null"] }, "d": { "type": "string", "format": "date" },
        "l": { "type": "array", "items": { "type": "string", "enum": ["x"] } } },
        "additionalProperties": { "type": "string" } } });
    let schema = json!({ "$ref": "#/s" });
    for good in [json!({ "n": 1 }), json!({ "n": null, "d": "2026-03-01", "l": ["x"], "more": "y" })] {
        assert_eq!(amiss(&good, &schema, &root), None);
    }
    let bad = [
        json!([]),
        json!({}),
        json!({ "n": "1" }),
        json!({ "n": 1.5 }),
        json!({ "n": 1, "d": "soon" }),
        json!({ "n": 1, "l": ["y"] }),
        json!({ "n": 1, "more": 2 }),
    ];
    for bad in bad {
        assert!(amiss(&bad, &schema, &root).is_some(), "{bad}");
    }
    let either = json!({ "oneOf": [{ "type": "string" }, { "type": "integer" }] });
    assert_eq!(amiss(&json!(1), &either, &root), None);
    assert!(amiss(&json!(null), &either, &root).is_some());
}

async fn description(world: &World) -> Value {
    let answer = world.http.get(world.url("/api/v1/openapi.json")).send().await.unwrap();
    assert_eq!(answer.status(), 200, "no authorization is needed");
    answer.json().await.unwrap()
}

/// Every operation as (method, path, what describes it).
fn operations(description: &Value) -> Vec<(Method, String, &Value)> {
    let mut found = Vec::new();
    for (path, item) in description["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            found.push((method.to_uppercase().parse().unwrap(), path.clone(), operation));
        }
    }
    found
}

/// Something that fits a parameter: its example, or the first word that it may be, or by its type.
fn sample(parameter: &Value) -> String {
    let schema = &parameter["schema"];
    let name = parameter["name"].as_str().unwrap();
    if schema["type"] == "integer" {
        return "1".into();
    }
    match name {
        "account" => return "demo".into(),
        "channel" => return "other".into(),
        "openid" => return "oLin".into(),
        // Yesterday, for a world that lives on 2026-03-02.
        "from" | "to" | "as_of" => return "2026-03-01".into(),
        _ => {}
    }
    let first = schema["enum"].get(0).or(schema["oneOf"].get(1).and_then(|choice| choice["enum"].get(0)));
    let told = parameter["example"].as_str().or(first.and_then(Value::as_str));
    told.map_or_else(|| "true".to_owned(), str::to_owned)
}

#[actix_web::test]
async fn everything_that_is_described_is_there_and_takes_what_it_is_said_to_take() {
    let world = World::start().await;
    let rest = "<MsgType><![CDATA[text]]></MsgType><Content><![CDATA[查话费]]></Content><MsgId>1</MsgId>";
    let answer =
        world.hand(fuwu::channel::official::Mode::Safe).deliver(&message_at(world.clock_now(), "oLin", rest)).await;
    assert_eq!(answer.status, 200);
    let description = description(&world).await;
    let operations = operations(&description);
    assert!(operations.len() >= 3);
    for (method, path, operation) in operations {
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let mut url = path.clone();
        let mut required = Vec::new();
        let mut free = vec![None];
        for parameter in &parameters {
            let name = parameter["name"].as_str().unwrap();
            let pair = (name.to_owned(), sample(parameter));
            match (parameter["in"].as_str().unwrap(), parameter["required"].as_bool()) {
                ("path", _) => url = url.replace(&format!("{{{name}}}"), &pair.1),
                ("query", Some(true)) => required.push(pair),
                ("query", _) => free.push(Some(pair)),
                other => panic!("a parameter of a kind that this test does not know: {other:?}"),
            }
        }
        for one in free {
            let mut query = required.clone();
            // `measure` is a parameter of one report alone.
            let url = if one.as_ref().is_some_and(|(name, _)| name == "measure") {
                url.replace("activity", "retention")
            } else {
                url.clone()
            };
            query.extend(one);
            let request = world.http.request(method.clone(), world.url(&url)).bearer_auth(API_TOKEN).query(&query);
            let answer = request.send().await.unwrap();
            let status = answer.status();
            assert!(
                operation["responses"].get(status.as_str()).is_some(),
                "{method} {url} {query:?}: {status} is not described"
            );
            // Nobody has ordered in this world: there is no such order, and that is what is said.
            if path.contains("{number}") && status.as_u16() == 404 {
                continue;
            }
            let said = answer.text().await.unwrap();
            if method == Method::GET || status.is_success() {
                assert!(status.is_success(), "{method} {url} {query:?}: {status} {said}");
                continue;
            }
            // What changes something cannot always be done with samples, or not twice; but it was understood.
            let fault: Value = serde_json::from_str(&said).unwrap();
            let error = fault["error"].as_str().unwrap();
            let misread = ["unknown field", "missing field", "there is no /", "does not take"];
            assert!(!misread.iter().any(|words| error.contains(words)), "{method} {url} {query:?}: {said}");
        }
    }
}

#[actix_web::test]
async fn every_report_is_as_it_is_described() {
    let world = World::start().await;
    let description = description(&world).await;
    let operation = &description["paths"]["/api/v1/reports/{name}"]["get"];
    let described = &operation["responses"]["200"]["content"]["application/json"]["schema"];
    assert!(described.is_object());
    for report in ReportName::ALL {
        let name = report.as_str();
        for more in ["", "&explain=true", "&compare=previous", "&by=channel", "&by=referrer", "&as_of=2026-03-01"] {
            let by = [("&by=channel", By::Channel), ("&by=referrer", By::Referrer)];
            let is_told_apart = by.into_iter().all(|(query, by)| query != more || report.is_kept_by(by));
            if !is_told_apart || more.starts_with("&as_of") && !report.can_look_back() {
                continue;
            }
            let path = format!("/api/v1/reports/{name}?from=2026-02-20&to=2026-03-01{more}");
            let report = world.get_json(&path).await;
            assert_eq!(amiss(&report, described, &description), None, "{path}: {report}");
            let mut broken = report.clone();
            broken["rows"] = json!(3);
            assert!(amiss(&broken, described, &description).is_some());
        }
    }
    let weekly = world.get_json("/api/v1/reports/retention?from=2026-02-02&to=2026-03-01&measure=weekly").await;
    assert_eq!(amiss(&weekly, described, &description), None, "{weekly}");
    let fault = &operation["responses"]["400"]["content"]["application/json"]["schema"];
    let request = world.http.get(world.url("/api/v1/reports/activity")).bearer_auth(API_TOKEN);
    assert_eq!(amiss(&request.send().await.unwrap().json().await.unwrap(), fault, &description), None);
}

/// Routes below `/api/v1` are mounted by their description alone; this finds one that is mounted around it.
#[test]
fn no_route_of_the_api_is_mounted_around_its_description() {
    let http = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http");
    let mut files: Vec<_> = std::fs::read_dir(http.join("api")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.push(http.join("mod.rs"));
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        for around in ["scope(\"/api", "resource(\"/api", "route(\"/api", ".route(\"/", "web::resource("] {
            let found = text.matches(around).filter(|_| !(file.ends_with("mod.rs") && around == ".route(\"/")).count();
            assert_eq!(found, 0, "{}: {around}", file.display());
        }
    }
}
