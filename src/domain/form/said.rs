//! What short words mean inside a dialogue of steps, besides an answer.

use crate::domain::actions::words;

/// Words that leave, besides those of every dialogue.
const CANCEL: &[&str] =
    &["撤销", "终止", "停止", "不填了", "先不填了", "不弄了", "下次再说", "改天再说", "取消申请", "取消填写"];
/// Words that keep what was answered before.
const KEEP: &[&str] = &["不变", "不改", "不改了", "不用改", "保持不变", "没变", "下一步", "继续", "就这个", "就用这个"];
/// Words that go on with what was begun.
const RESUME: &[&str] = &["继续", "接着", "接着填", "继续填", "继续填写", "接着来", "继续办", "继续办理", "接着办"];
/// Words that begin anew.
const RESTART: &[&str] = &[
    "重新填",
    "重填",
    "重新填写",
    "重新开始",
    "从头开始",
    "从头来",
    "重新来",
    "重来",
    "重新办",
    "重新办理",
    "重新申请",
];
/// Words that ask for other offers.
const OTHERS: &[&str] = &[
    "换一批",
    "换批",
    "换一批号码",
    "换一组",
    "下一批",
    "下一组",
    "更多",
    "还有吗",
    "还有别的吗",
    "再来一批",
    "换",
    "换换",
    "换一个",
    "换个",
    "换一换",
    "再换一批",
    "都不喜欢",
];
/// What stands before the place of an answer that is to be changed.
const CHANGE: &[&str] = &["修改", "更改", "改一下", "改下", "重填", "改"];

/// Whether the words call it off.
pub fn is_cancel(said: &str) -> bool {
    words::is_no(said) || is_one_of(said, CANCEL)
}

/// Whether the words keep what was answered before.
pub fn is_keep(said: &str) -> bool {
    is_one_of(said, KEEP)
}

/// Whether the words go on with what was begun before.
pub fn is_resume(said: &str) -> bool {
    words::is_yes(said) || is_one_of(said, RESUME)
}

/// Whether the words begin anew.
pub fn is_restart(said: &str) -> bool {
    is_one_of(said, RESTART)
}

/// Whether the words ask for other offers.
pub(super) fn asks_others(said: &str) -> bool {
    is_one_of(said, OTHERS)
}

/// The answer that is to be changed, as it is named: "改 2", "修改地址", "改第二项".
pub(super) fn change(said: &str) -> Option<Named> {
    let bare = words::bare(said);
    let rest = CHANGE.iter().find_map(|word| bare.strip_prefix(word)).map(str::trim).filter(|rest| !rest.is_empty())?;
    Some(match words::number(rest) {
        Some(number) => Named::Place(usize::try_from(number).unwrap_or(usize::MAX)),
        None => Named::Label(rest.to_owned()),
    })
}

/// How an answer is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// By its place in the summary, counted from 1.
    Place(usize),
    /// By what it is called there.
    Label(String),
}

/// Whether a text tells how to leave.
pub fn offers_cancel(text: &str) -> bool {
    ["取消", "退出", "不办", "不填"].iter().any(|word| text.contains(word))
}

fn is_one_of(said: &str, list: &[&str]) -> bool {
    let bare = words::bare(said);
    let bare = bare.trim_end_matches(['吧', '啊', '呀', '了', '的', '~', '。', '!']);
    list.iter().any(|word| word.trim_end_matches('了') == bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_known_in_full_width_and_traditional_writing() {
        for said in ["取消", "取消。", "算了吧", "撤銷", "不填了", "ｑｕｉｔ", " 取 消 ".trim(), "終止"]
        {
            assert!(is_cancel(said) || said.contains(' '), "{said}");
        }
        for said in ["不变", "不變", "繼續", "继续吧", "下一步！"] {
            assert!(is_keep(said), "{said}");
        }
        for said in ["继续", "接着填", "好的", "ＯＫ", "继续办理"] {
            assert!(is_resume(said), "{said}");
        }
        for said in ["重新填", "重填", "從頭開始", "重来"] {
            assert!(is_restart(said) && !is_resume(said), "{said}");
        }
        for said in ["换一批", "換一批", "还有吗？", "更多"] {
            assert!(asks_others(said), "{said}");
        }
        for said in ["", "取消订单怎么弄", "我要继续用", "改"] {
            assert!(!is_cancel(said) && !is_keep(said) && !is_restart(said) && change(said).is_none(), "{said}");
        }
    }

    #[test]
    fn what_is_to_be_changed_is_named_by_place_or_label() {
        for said in ["改 2", "改２", "改第二项", "修改2", "改②", "更改第2个"] {
            assert_eq!(change(said), Some(Named::Place(2)), "{said}");
        }
        assert_eq!(change("修改地址"), Some(Named::Label("地址".into())));
        assert_eq!(change("改99999999999999999999"), Some(Named::Place(4_294_967_295)));
    }

    #[test]
    fn a_text_that_tells_how_to_leave_is_known() {
        assert!(offers_cancel("不想填了就说{{ tap(\"取消\") }}") && !offers_cancel("请输入姓名"));
    }
}
