use super::*;
use crate::domain::channel::Channels;

const CHANNELS: &str = r#"[store]
title = "营业厅"
scenes = ["store:*", "store:nanjing"]

[ads-2026]
title = "广告"
scenes = ["ad:1"]
"#;

fn channels(text: impl AsRef<[u8]>) -> Folder {
    Folder::good().with("playbook/channels.toml", text)
}

#[test]
fn channels_belong_to_the_playbook_and_to_its_version() {
    let without = Folder::good().read().0.unwrap();
    assert_eq!(without.channels, Channels::default());
    let (playbook, findings) = channels(CHANNELS).read();
    assert_eq!(findings, []);
    let playbook = playbook.unwrap();
    let of = |scene: &str| playbook.channels.of(Some(&scene.into())).as_str().to_owned();
    assert_eq!([of("store:beijing"), of("ad:1"), of("ad:2")], ["store", "ads-2026", "other"]);
    assert_ne!(playbook.version, without.version);
    assert_ne!(channels(format!("{CHANNELS} ")).read().0.unwrap().version, playbook.version);
    assert_eq!(channels("").read().1, [], "an account need not tell channels apart");
}

#[test]
fn a_channel_that_cannot_be_counted_by_is_found_where_it_stands() {
    let long_key = "k".repeat(33);
    let long_scene = format!("\"{}\"", "场".repeat(65));
    let cases = [
        ("[store]", "[Store]", Code::ChannelRule, (1, 2)),
        ("[store]", "[\"营业厅\"]", Code::ChannelRule, (1, 2)),
        ("[store]", "[\"\"]", Code::ChannelRule, (1, 2)),
        ("store]", &format!("{long_key}]"), Code::ChannelRule, (1, 2)),
        ("[store]", "[other]", Code::ChannelRule, (1, 2)),
        ("\"营业厅\"", "\" \"", Code::ChannelRule, (2, 9)),
        ("title = \"营业厅\"", "", Code::MissingKey, (1, 2)),
        ("title = \"营业厅\"", "titel = \"营业厅\"", Code::UnknownKey, (2, 1)),
        ("[\"store:*\", \"store:nanjing\"]", "[]", Code::ChannelRule, (3, 1)),
        ("\"store:*\"", "\"*:store\"", Code::ChannelRule, (3, 11)),
        ("\"store:*\"", "\"store**\"", Code::ChannelRule, (3, 11)),
        ("\"store:*\"", "\"\"", Code::ChannelRule, (3, 11)),
        ("\"store:*\"", &long_scene, Code::ChannelRule, (3, 11)),
        ("\"ad:1\"", "\"store:nanjing\"", Code::ChannelRule, (7, 11)),
        ("\"ad:1\"", "\"ad:1\", \"ad:1\"", Code::ChannelRule, (7, 19)),
        ("\"ad:1\"", "1", Code::WrongValue, (7, 11)),
        ("[store]", "old = 1\n[store]", Code::WrongValue, (1, 1)),
    ];
    for (from, to, code, place) in cases {
        assert!(CHANNELS.contains(from), "{from}");
        let (playbook, findings) = channels(CHANNELS.replacen(from, to, 1)).read();
        assert!(playbook.is_none(), "{from} -> {to}");
        let found = |f: &Finding| f.is_error() && (f.code, (f.line, f.column)) == (code, place);
        assert!(findings.iter().any(found), "{from} -> {to}: {findings:#?}");
    }
    let most = "场".repeat(64);
    assert_eq!(channels(CHANNELS.replace("store:nanjing", &most)).read().1, []);
    assert_eq!(channels(CHANNELS.replace("[store]", &format!("[{}]", "k".repeat(32)))).read().1, []);
    assert_eq!(channels(CHANNELS.replace("ad:1", "*")).read().1, [], "every code that no other channel names");
}

#[test]
fn a_code_that_two_channels_claim_is_told_with_both_places() {
    let finding = channels(CHANNELS.replace("ad:1", "store:nanjing")).only();
    assert_eq!((finding.line, finding.column), (7, 11));
    assert!(finding.message.contains("store:nanjing") && finding.message.contains("channels.toml:3"), "{finding:?}");
}

#[test]
fn a_scene_written_as_the_platform_pushes_it_is_a_warning() {
    let folder = channels(CHANNELS.replace("ad:1", "qrscene_ad:1"));
    assert_eq!(folder.found(), [(Warning, Code::ChannelRule, 7, 11)]);
    assert!(folder.read().0.is_some());
}

#[test]
fn more_channels_than_counters_can_carry_are_refused() {
    let many = |n| (0..n).map(|n| format!("[c{n}]\ntitle = \"x\"\nscenes = [\"s{n}\"]\n")).collect::<String>();
    assert_eq!(channels(many(50)).read().1, []);
    assert_eq!(channels(many(51)).found(), [(Error, Code::TooLarge, 151, 2)]);
}
