//! The torture list (reliability.md 3): data files in `fixtures/torture/`, one table, the served program over HTTP.

mod data;
mod files;
mod hostile;
mod requests;
mod sealing;
mod wire;

use std::collections::BTreeSet;

use crate::harness::World;
use data::Tally;

/// The accounts of the table besides the demo's, each a neighbour with its own rules.
fn accounts() -> Vec<(String, String)> {
    let own: [(&str, &[(&str, &str)]); 4] = [
        ("PLAIN", &[("MODE", "plain")]),
        ("COMPATIBLE", &[("MODE", "compatible"), ("AES_KEY", crate::harness::AES_KEY)]),
        ("STRICT", &[("AES_KEY", crate::harness::AES_KEY), ("STAMP_WINDOW_SECS", "300")]),
        ("ROTATING", &[("AES_KEY", sealing::ROTATING_KEYS), ("TOKEN", sealing::ROTATING_TOKENS)]),
    ];
    let shared = [
        ("APP_ID", crate::harness::APP_ID),
        ("ORIGINAL_ID", crate::harness::ORIGINAL_ID),
        ("TOKEN", crate::harness::TOKEN),
        // Nobody is there: nothing of these tests may reach a platform.
        ("API_BASE", "http://127.0.0.1:9/"),
    ];
    let mut env = Vec::new();
    for (account, own) in own {
        for (key, value) in shared.iter().chain(own) {
            env.push((format!("FUWU__ACCOUNTS__{account}__{key}"), (*value).to_owned()));
        }
    }
    env
}

#[actix_web::test]
async fn every_line_of_the_torture_list_holds() {
    let env = accounts();
    let env: Vec<(&str, &str)> = env.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let world = World::start_with(&env).await;
    let requests = data::read("requests.toml");
    let http = data::read("http.toml");
    let content = data::read("content.toml");
    let files = data::read("files.toml");
    let mut ids: Vec<String> = Vec::new();
    let mut total = Tally::default();
    total.add("3.1 requests", requests::run(&world, &requests).await);
    // What waits for the server to lose its patience does so beside everything else.
    let (slow, said, written) =
        tokio::join!(wire::run(&world, &http), hostile::run(&world, &env, &content), files::run(&files));
    total.add("3.2 HTTP", slow);
    total.add("3.3 content", said);
    total.add("3.5 files", written);
    ids.extend(requests.iter().map(|line: &data::Line<requests::Case>| line.id.clone()));
    ids.extend(http.iter().map(|line: &data::Line<wire::Case>| line.id.clone()));
    ids.extend(content.iter().map(|line: &data::Line<hostile::Case>| line.id.clone()));
    ids.extend(files.iter().map(|line: &data::Line<files::Case>| line.id.clone()));
    let expected = (1..=65).map(|n| format!("W{n}")).chain((1..=16).map(|n| format!("O{n}"))).collect::<Vec<_>>();
    assert_eq!(ids, expected, "every line once, in order");
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
    println!("{total}");
    assert!(total.failed.is_empty(), "{total}\n{}", total.failed.join("\n"));
    world.running.stop().await.unwrap();
}
