//! Which rule of the platform a campaign touches (platform.md part 8): said before it goes live, since the account pays for
//! it with its followers, its rights or itself.

use super::campaign::{Asked, Campaign, Texts};

/// A rule that is touched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Touched {
    /// The field that touches it.
    pub field: &'static str,
    /// What in it does, and which rule that is.
    pub cause: String,
    /// What would be allowed.
    pub mend: &'static str,
}

const SHARING: &str = "「诱导分享」（运营规范）";
const FOLLOWING: &str = "「诱导关注」（运营规范）";
/// Words that the platform takes for coercion or for a reward for sharing, whatever the rest of a campaign is.
const WORDS: [(&str, &str); 12] = [
    ("朋友圈", SHARING),
    ("必须转发", SHARING),
    ("转发到群", SHARING),
    ("分享后", SHARING),
    ("集赞", SHARING),
    ("点赞", SHARING),
    ("砍价", SHARING),
    ("助力", SHARING),
    ("红包", FOLLOWING),
    ("现金", FOLLOWING),
    ("关注领", FOLLOWING),
    ("关注就送", FOLLOWING),
];

/// Every rule that the campaign touches.
pub fn touches(campaign: &Campaign) -> Vec<Touched> {
    let mut all = Vec::new();
    let gives = !campaign.stage.is_empty();
    if gives && campaign.terms.goal.is_none() {
        let cause = format!("好友一关注就给邀请人奖励，碰到{FOLLOWING}：轻则清粉，重则封号");
        let mend = "把奖励和真实的业务挂钩：terms.goal 写好友要办成的一笔业务；或者不设奖励";
        all.push(Touched { field: "terms", cause, mend });
    }
    for asked in &campaign.asks {
        let (what, rule) = match asked {
            Asked::ShareToMoments => ("要求发朋友圈", SHARING),
            Asked::ShareToGroups => ("要求发到群里", SHARING),
            Asked::Like => ("要求点赞、集赞", SHARING),
            Asked::Pay => ("要求先付钱才能参加", "「入门费」（禁止传销条例）"),
            Asked::PersonalData => ("要求填写个人信息", "个人信息保护法的「最小必要」"),
        };
        let cause = format!("{what}{}，碰到{rule}", if gives { "并给奖励" } else { "" });
        all.push(Touched { field: "asks", cause, mend: "删掉这一项，让客户自愿转发" });
    }
    let titles = campaign.stage.iter().map(|stage| stage.title.as_str());
    let words = written(&campaign.texts).chain([campaign.title.as_str()]).chain(titles);
    let words: Vec<&str> = words.collect();
    for (word, rule) in WORDS {
        if words.iter().any(|text| text.contains(word)) {
            let cause = format!("话里有「{word}」，容易被判为{rule}");
            all.push(Touched { field: "texts", cause, mend: "换一种不带要求和奖励的说法" });
        }
    }
    all
}

fn written(texts: &Texts) -> impl Iterator<Item = &str> {
    let Texts { joined, code, friend, not_counted, news, mine, nobody, not_started, ended } = texts;
    let all = [joined, code, friend, not_counted, news, mine, nobody, not_started, ended];
    all.into_iter().flatten().map(|template| template.source())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn campaign(more: &str) -> Campaign {
        toml::from_str(&format!("title = \"邀好友\"\nstarts = \"2026-03-01\"\n{more}")).unwrap()
    }

    fn touched(more: &str) -> Vec<&'static str> {
        touches(&campaign(more)).into_iter().map(|touched| touched.field).collect()
    }

    #[test]
    fn a_reward_for_following_alone_is_told_and_one_for_real_business_is_not() {
        let stage = "[[stage]]\nkey = \"a\"\nfriends = 1\ntitle = \"积分\"\npoints = 5";
        assert_eq!(touched(""), Vec::<&str>::new());
        assert_eq!(touched(stage), ["terms"]);
        assert_eq!(touched(&format!("[terms]\ngoal = \"buy\"\n{stage}")), Vec::<&str>::new());
    }

    #[test]
    fn what_is_asked_for_and_what_is_said_is_told_with_its_rule() {
        let asked = touches(&campaign("asks = [\"share_to_moments\", \"like\", \"pay\", \"personal_data\"]"));
        assert_eq!(asked.len(), 4);
        assert!(asked[0].cause.contains("朋友圈") && asked[0].cause.contains("诱导分享"), "{asked:?}");
        assert_eq!(touched("[texts]\njoined = \"转发朋友圈，集赞 30 个\""), ["texts", "texts"]);
        assert_eq!(touched("[texts]\njoined = \"把海报发给身边的人吧\""), Vec::<&str>::new());
    }
}
