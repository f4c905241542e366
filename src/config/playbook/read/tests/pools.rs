use super::*;

#[test]
fn a_pool_that_nothing_gives_from_is_a_warning() {
    let folder = Folder::good().with("playbook/pools.toml", "[numbers]\nitems = [\"170\", \"171\"]\n");
    assert_eq!(folder.found(), [(Warning, Code::UnusedPool, 1, 2)]);
    assert_eq!(folder.read().0.unwrap().pools[&"numbers".into()].hold_secs, 900);
    let folder = Folder::good().with("playbook/pools/numbers.toml", "[numbers]\ncount = 5\n");
    assert_eq!(folder.found(), [(Warning, Code::UnusedPool, 1, 2)]);
}

#[test]
fn a_pool_that_cannot_give_anything_as_it_is_written_is_named_with_its_line() {
    for (text, code, line) in [
        ("[numbers]\n", Code::PoolRule, 1),
        ("numbers = 5\n", Code::WrongValue, 1),
        ("[numbers]\nitems = [\"170\"]\ncount = 5\n", Code::PoolRule, 3),
        ("[numbers]\ncount = 5001\n", Code::PoolRule, 2),
        ("[numbers]\ncount = -1\n", Code::WrongValue, 2),
        ("[numbers]\ncount = 5\nhold_secs = 5\n", Code::PoolRule, 3),
        ("[numbers]\nitems = [\n\"170\",\n\"170\",\n]\n", Code::PoolRule, 4),
        ("[numbers]\nitems = [\n\"170\",\n\" 171\",\n]\n", Code::PoolRule, 4),
        ("[numbers]\nitems = [\n\"\",\n]\n", Code::PoolRule, 3),
        ("[numbers]\nitems = [\n\"17\\n0\",\n]\n", Code::PoolRule, 3),
        ("[Numbers]\ncount = 5\n", Code::PoolRule, 1),
        ("[numbers]\ncuont = 5\n", Code::UnknownKey, 2),
    ] {
        let found = Folder::good().with("playbook/pools.toml", text).found();
        assert!(found.iter().any(|(_, told, at, _)| (*told, *at) == (code, line)), "{text}: {found:?}");
    }
}

#[test]
fn a_number_that_two_pools_offer_is_named_with_both_of_them() {
    let text = "[east]\nitems = [\"17000000001\", \"17000000002\"]\n\n[west]\nitems = [\n\"17000000003\",\n\"170-0000-0002\",\n]\n";
    let findings = Folder::good().with("playbook/pools.toml", text).read().1;
    let found: Vec<_> = findings.iter().filter(|finding| finding.code == Code::PoolRule).collect();
    let [finding] = found.as_slice() else { panic!("{findings:?}") };
    assert_eq!((finding.line, finding.is_error()), (7, true));
    assert!(finding.message.contains("170-0000-0002") && finding.message.contains("east"), "{finding:?}");
    assert!(finding.mend.contains("east") && finding.mend.contains("west"), "{finding:?}");
    let apart = text.replace("170-0000-0002", "17000000004");
    let findings = Folder::good().with("playbook/pools.toml", apart).read().1;
    assert!(findings.iter().all(|finding| finding.code != Code::PoolRule), "{findings:?}");
}

#[test]
fn a_pool_is_written_once() {
    let text = "[numbers]\ncount = 5\n";
    let folder = Folder::good().with("playbook/pools.toml", text).with("playbook/pools/more.toml", text);
    assert!(folder.found().iter().any(|(_, code, ..)| *code == Code::DuplicateKey), "{:?}", folder.found());
}

#[test]
fn a_pool_that_is_named_but_not_there_is_found_where_it_is_named() {
    let demo = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("config/playbook");
    let read = |name: &str| fs::read_to_string(demo.join(name)).unwrap();
    let actions = read("actions/apply.toml").replace("pool = \"sim_numbers\"", "pool = \"sim_numbesr\"");
    let folder = Folder::good()
        .with("playbook/actions/apply.toml", actions)
        .with("playbook/connectors.toml", read("connectors.toml"))
        .with("playbook/pools/sim_numbers.toml", read("pools/sim_numbers.toml"));
    let (_, findings) = folder.read();
    let unknown = findings.iter().find(|finding| finding.code == Code::UnknownPool).unwrap();
    assert!(unknown.excerpt.contains("sim_numbesr") && unknown.mend.contains("sim_numbers"), "{unknown:?}");
}

#[test]
fn a_connector_may_not_take_a_name_of_ours() {
    let text = "base_url = \"sandbox:\"\n[connectors.\"fuwu:later\"]\nmethod = \"GET\"\npath = \"/\"\ntimeout_ms = 1000\nlate_timeout_ms = 1000\n[connectors.\"fuwu:later\".fields]\n[connectors.\"fuwu:later\".example]\n";
    let found = Folder::good().with("playbook/connectors.toml", text).found();
    assert!(found.iter().any(|(_, code, line, _)| (*code, *line) == (Code::ConnectorRule, 2)), "{found:?}");
}
