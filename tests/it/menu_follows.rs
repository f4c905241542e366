//! The menu on the platform follows the playbook.

use serde_json::Value;

use crate::harness::{World, until};

#[actix_web::test]
async fn a_menu_taken_out_of_the_playbook_is_taken_off_the_account() {
    let menus = tempfile::tempdir().unwrap();
    let file = menus.path().join("default.json");
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    std::fs::copy(root.join("menus/default.json"), &file).unwrap();
    let world = World::start_with(&[("FUWU__ACCOUNTS__DEMO__MENUS", menus.path().to_str().unwrap())]).await;
    let button = async || world.get_json("/sandbox/api/state").await["button"].clone();
    assert!(button().await.is_array());
    std::fs::remove_file(&file).unwrap();
    until("the menu is gone", async || button().await == Value::Null).await;
}
