//! What the platform refuses of a menu, in words that say what to mend (platform.md 4.5, 4.0).

use super::Desk;
use crate::channel::official::api::ApiError;

/// Codes that menu calls give, where more is known than for calls in general.
const WORDS: [(i64, &str); 31] = [
    (40007, "菜单里的 media_id 不是这个账号的永久素材，请改用素材库里的"),
    (40016, "一级菜单要有 1 到 3 个"),
    (40017, "一级菜单的 type 平台不认识，请用 fuwu check 核对"),
    (40018, "一级菜单的名称是空的或超过 16 字节（5 个汉字），请改短"),
    (40019, "一级菜单的 key 是空的或超过 128 字节"),
    (40020, "一级菜单的 url 是空的或超过 1024 字节"),
    (40021, "平台不接受这个版本的菜单，请用 fuwu menu diff 看差别后再推送一次"),
    (40022, "子菜单下面不能再有子菜单，请移到上一级"),
    (40023, "子菜单要有 1 到 5 个"),
    (40024, "子菜单的 type 平台不认识，请用 fuwu check 核对"),
    (40025, "子菜单的名称是空的或超过 60 字节（20 个汉字），请改短"),
    (40026, "子菜单的 key 是空的或超过 128 字节"),
    (40027, "子菜单的 url 是空的或超过 1024 字节"),
    (40054, "菜单的 url 不是平台接受的网址，请写 https:// 开头的完整网址"),
    (40055, "子菜单的 url 不是平台接受的网址，请写 https:// 开头的完整网址"),
    (40166, "菜单里的 appid 不是可用的小程序，请在后台把小程序关联到这个公众号"),
    (45064, "菜单里的小程序没有关联到这个公众号，请先在后台关联"),
    (48001, "这个账号没有用接口管理这种菜单的权限；请先认证账号，或在公众平台后台设置菜单"),
    (53600, "菜单里的 article_id 不是已发布的文章，请改用已发布文章的编号"),
    (65301, "平台上已经没有这个个性化菜单，再推送一次就好"),
    (65302, "平台不认识这位客户，换一个标签再看"),
    (65303, "平台上还没有默认菜单，不能加个性化菜单；请写一个没有 matchrule 的菜单文件"),
    (65304, "个性化菜单的 matchrule 是空的，请写 tag_id"),
    (65305, "个性化菜单太多了，请删掉一些"),
    (65306, "这种账号没有个性化菜单，请删掉带 matchrule 的菜单文件"),
    (65307, "个性化菜单里没有内容"),
    (65308, "菜单里有按钮没有 type，请补上"),
    (65309, "个性化菜单在后台没有打开，请先打开"),
    (65316, "个性化菜单一共链接到 3 个以上的域名，请减少链接的域名"),
    (65317, "菜单里的 url 不合要求，请写 https:// 开头的完整网址"),
    (65320, "平台不再接受按性别、地区、语言匹配的菜单，请改用 tag_id"),
];

impl Desk<'_> {
    /// What to tell the operator of a call that was not done.
    pub(super) fn fault(&self, error: &ApiError) -> anyhow::Error {
        match told(error) {
            Some(words) => anyhow::anyhow!(words),
            None => self.platform.fault(error),
        }
    }
}

fn told(error: &ApiError) -> Option<String> {
    let code = error.code()?;
    let (_, words) = WORDS.iter().find(|(known, _)| *known == code)?;
    let rid = error.rid().map(|rid| format!("，rid {rid}")).unwrap_or_default();
    Some(format!("{words}（{code}）{rid}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_words_of_its_own_and_tells_the_request_id() {
        let (mut codes, mut words): (Vec<_>, Vec<_>) = WORDS.into_iter().unzip();
        assert!(codes.is_sorted());
        codes.dedup();
        words.sort_unstable();
        words.dedup();
        assert_eq!((codes.len(), words.len()), (WORDS.len(), WORDS.len()));
        let refused = ApiError::Refused { code: 65316, rid: Some("1-2-3".into()) };
        let expected = "个性化菜单一共链接到 3 个以上的域名，请减少链接的域名（65316），rid 1-2-3";
        assert_eq!(told(&refused).as_deref(), Some(expected));
        assert_eq!(told(&ApiError::Refused { code: 77, rid: None }), None);
        assert_eq!(told(&ApiError::Busy), None);
    }
}
