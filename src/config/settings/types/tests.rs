use std::fs;

use super::*;

const KEY: &str = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";

fn load(local: &str, env: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("local.toml");
    fs::write(&path, local).unwrap();
    Settings::load_over(&path, None, env.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())))
}

fn faults(local: &str, env: &[(&str, &str)]) -> Vec<(String, String, String)> {
    let faults = load(local, env).unwrap_err().faults;
    faults.into_iter().map(|fault| (fault.key, fault.source.unwrap_or_default(), fault.mend)).collect()
}

fn keys(local: &str) -> Vec<String> {
    faults(local, &[]).into_iter().map(|(key, ..)| key).collect()
}

fn shop(more: &str) -> String {
    format!("[accounts.shop]\napp_id = \"wx1\"\ntoken = \"token1\"\naes_key = \"{KEY}\"\n{more}")
}

#[test]
fn the_defaults_are_the_contracts() {
    let settings = load("", &[]).unwrap();
    assert_eq!(settings.listen.to_string(), "127.0.0.1:8080");
    assert_eq!((settings.store_url.expose(), settings.store_partitions), ("embedded:", 64));
    assert_eq!(settings.data_dir, Path::new("data"));
    assert!(settings.public_url.is_none() && settings.api_token.is_none());
    let demo = AccountId::from("demo");
    assert!(settings.sandbox_enabled && settings.lives_in_sandbox(&demo));
    let demo = &settings.accounts[&demo];
    assert_eq!((demo.kind, demo.mode), (AccountKind::Service, Mode::Safe));
    assert!(demo.tokens.is_empty() && demo.aes_keys.is_empty() && demo.api_base.is_none());
    let dirs = Dirs { playbook: "config/playbook".into(), menus: "menus".into() };
    assert_eq!(demo.dirs, dirs);
}

#[test]
fn an_own_account_has_the_same_defaults_as_the_demo() {
    let settings = load(&shop(""), &[]).unwrap();
    let (demo, shop) = (&settings.accounts[&"demo".into()], &settings.accounts[&"shop".into()]);
    assert_eq!((demo.kind, demo.mode, &demo.dirs), (shop.kind, shop.mode, &shop.dirs));
    assert_eq!((demo.stamp_window_secs, shop.stamp_window_secs), (None, None), "off unless asked for");
    assert_eq!(shop.api_base.as_ref().unwrap().as_str(), "https://api.weixin.qq.com/");
    assert!(!settings.lives_in_sandbox(&"shop".into()));
}

#[test]
fn later_sources_win_and_the_environment_is_last() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let local = write("local.toml", "data_dir = \"a\"\n[store]\npartitions = 2\nurl = \"redis://local\"\n");
    let file = write("file.toml", "[store]\npartitions = 3\nurl = \"redis://file\"\n");
    let env = [
        ("FUWU__STORE__URL", "redis://env"),
        ("FUWU__SANDBOX__ENABLED", "true"),
        ("HOME", "/x"),
        ("FUWU__DATA_DIR", ""),
    ];
    let env = env.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let settings = Settings::load_over(&local, Some(&file), env.into_iter()).unwrap();
    assert_eq!(settings.data_dir, Path::new("a"));
    assert_eq!((settings.store_partitions, settings.store_url.expose()), (3, "redis://env"));
}

#[test]
fn secrets_rotate_as_lists_newest_first_and_stay_words() {
    let env = [("FUWU__ACCOUNTS__SHOP__TOKEN", "12345,old999")];
    let settings = load(&shop("").replace(&format!("\"{KEY}\""), &format!("[\"{KEY}\", \"{KEY}\"]")), &env).unwrap();
    let shop = &settings.accounts[&"shop".into()];
    assert_eq!(shop.tokens.iter().map(Secret::expose).collect::<Vec<_>>(), ["12345", "old999"]);
    assert_eq!(shop.aes_keys.len(), 2);
}

#[test]
fn an_unknown_key_is_refused_by_name_with_its_source_and_the_nearest() {
    let found = faults("[server]\nlisen = \"x\"\n", &[("FUWU__ACCOUNTS__DEMO__TOKENS", "x"), ("FUWU__STORE", "x")]);
    assert_eq!(
        found.iter().map(|f| f.0.as_str()).collect::<Vec<_>>(),
        ["accounts.demo.tokens", "server.lisen", "store"]
    );
    assert!(found[0].1 == "环境变量" && found[0].2.contains("accounts.demo.token"));
    assert!(found[1].1.ends_with("local.toml") && found[1].2.contains("server.listen"));
    assert_eq!(keys("[acounts.a]\ntoken = \"x\"\n"), ["acounts.a.token"]);
    assert_eq!(keys("accounts.a = 1\n"), ["accounts.a"]);
}

#[test]
fn every_rule_is_held_and_every_fault_named() {
    let cases = [
        ("[server]\nlisten = \"8080\"".to_owned(), "server.listen"),
        ("[server]\npublic_url = \"wx.example.com\"".to_owned(), "server.public_url"),
        ("[store]\npartitions = 0".to_owned(), "store.partitions"),
        ("[store]\npartitions = 1025".to_owned(), "store.partitions"),
        ("[store]\npartitions = 99999999".to_owned(), "store.partitions"),
        ("[store]\nurl = \"mysql://x\"".to_owned(), "store.url"),
        ("[sandbox]\nenabled = \"maybe\"".to_owned(), "sandbox.enabled"),
        ("[sandbox]\nenabled = false".to_owned(), "accounts"),
        ("data_dir = \"\"".to_owned(), "data_dir"),
        (shop("kind = \"servce\""), "accounts.shop.kind"),
        (shop("mode = \"none\""), "accounts.shop.mode"),
        (shop("api_base = \"ftp://x\""), "accounts.shop.api_base"),
        (shop("stamp_window_secs = 59"), "accounts.shop.stamp_window_secs"),
        (shop("stamp_window_secs = -1"), "accounts.shop.stamp_window_secs"),
        (shop("stamp_window_secs = \"soon\""), "accounts.shop.stamp_window_secs"),
        (shop("").replace("token1", "a-b"), "accounts.shop.token"),
        (shop("").replace("token1", ""), "accounts.shop.token"),
        (shop("").replace("abc", "ab"), "accounts.shop.aes_key"),
        (shop("").replace(KEY, ""), "accounts.shop.aes_key"),
        (shop("").replace("wx1", ""), "accounts.shop.app_id"),
        (shop("").replace("accounts.shop", "accounts.Shop_1"), "accounts.Shop_1"),
    ];
    for (local, key) in cases {
        assert_eq!(keys(&local), [key], "{local}");
    }
    assert_eq!(keys("data_dir = \"\"\n[server]\nlisten = \"x\"\n[store]\npartitions = \"x\"").len(), 3);
    assert!(load(&shop("mode = \"plain\"").replace(KEY, ""), &[]).is_ok());
    assert!(load(&format!("sandbox.enabled = false\n{}", shop("")), &[]).unwrap().accounts.len() == 1);
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let found = faults("[server\n", &[]);
    assert!(found[0].1.ends_with("local.toml"), "{found:?}");
    let nowhere = Settings::load_over(Path::new("no-local.toml"), Some(Path::new("no-such.toml")), std::iter::empty());
    assert!(nowhere.unwrap_err().to_string().contains("no-such.toml"));
}

#[test]
fn no_secret_is_printed_with_settings_or_faults() {
    let local = format!(
        "{}\n[console]\napi_token = \"sesame9\"\n[store]\nurl = \"redis://u:hush@h\"\n",
        shop("app_secret = \"hidden1\"")
    );
    let printed = format!("{:?}", load(&local, &[]).unwrap());
    let broken = format!("{:#?}", load(&local.replace("token1", "token1-x").replace(KEY, "keykey"), &[]).unwrap_err());
    for secret in ["sesame9", "hush", "hidden1", "token1", KEY, "keykey"] {
        assert!(!printed.contains(secret) && !broken.contains(secret), "{secret}");
    }
}

#[test]
fn an_account_takes_payments_when_its_merchant_is_whole() {
    let pay = |more: &str| shop(&format!("[accounts.shop.pay]\n{more}"));
    let whole = format!(
        "mchid = \"1900000001\"\nserial = \"5157F09EFDC096DE15EBE81A47057A7232F1B8E1\"\nprivate_key_file = \"key.pem\"\n\
         api_v3_key = \"{}\"\n",
        "k".repeat(32)
    );
    assert!(load(&shop(""), &[]).unwrap().accounts[&"shop".into()].pay.is_none());
    assert!(load(&pay(""), &[]).unwrap().accounts[&"shop".into()].pay.is_none());
    let settings = load(&pay(&whole), &[]).unwrap();
    let read = settings.accounts[&"shop".into()].pay.as_ref().unwrap();
    assert_eq!((read.mchid.as_str(), read.public_key.is_none()), ("1900000001", true));
    assert!(!format!("{settings:?}").contains(&"k".repeat(32)));
    let of = |name: &str| format!("accounts.shop.pay.{name}");
    let all = ["serial", "private_key_file", "api_v3_key"].map(of);
    assert_eq!(keys(&pay("mchid = \"1900000001\"")), all);
    let short = whole.replace(&"k".repeat(32), "s3cret-but-short");
    let fault = load(&pay(&short), &[]).unwrap_err().to_string();
    assert!(fault.contains("api_v3_key") && !fault.contains("s3cret"), "{fault}");
    assert_eq!(keys(&pay(&format!("{whole}public_key_id = \"PUB_KEY_ID_1\""))), [of("public_key_file")]);
    assert_eq!(keys(&pay(&format!("{whole}public_key = \"PEM\""))), [of("public_key_id")]);
    assert_eq!(keys(&pay("merchant = \"1\"")), [of("merchant")]);
    let env = [("FUWU__ACCOUNTS__SHOP__PAY__PRIVATE_KEY", "PEM")];
    let settings = load(&pay(&whole), &env).unwrap();
    let read = settings.accounts[&"shop".into()].pay.clone().unwrap();
    assert_eq!(read.private_key, crate::config::settings::KeySource::Text(Secret::new("PEM")));
}
