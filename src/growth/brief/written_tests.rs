//! Reports as people get them.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::samples::{any_daily, any_weekly, beside, counters, wednesday};
use super::*;
use crate::domain::time::{BusinessDay, UnixSecs};
use crate::growth::counter::{CounterKey, Metric};
use crate::growth::counters::Counters;
use crate::growth::report::Bom;

/// Narrow spaces as `_`, so that they can be seen here.
fn readable(text: &str) -> String {
    text.replace('\u{202f}', "_")
}

fn at(days: i32, hour: i64, minute: i64) -> UnixSecs {
    wednesday().plus_days(days).start().plus_secs(hour * 3600 + minute * 60)
}

fn daily(beside: &Beside<'_>) -> Brief {
    Brief::Daily(Box::new(Daily::new(wednesday(), beside)))
}

fn weekly(beside: &Beside<'_>) -> Brief {
    Brief::Weekly(Box::new(Weekly::new(wednesday(), beside)))
}

#[test]
fn a_day_is_told_in_words_and_numbers() {
    let counters = counters();
    let day = wednesday();
    let mut beside = beside(&counters, at(1, 8, 30));
    let tuesday = DayNumbers { dau: 2_347, messages: 4_318, ..DayNumbers::of(&counters, day.plus_days(-1)) };
    beside.printed = BTreeMap::from([(day.plus_days(-1), tuesday)]);
    let late = CounterKey { metric: Metric::Messages, a: day.plus_days(-1).0, b: 0, dimension: String::new() };
    beside.journal = Journal(vec![(day, late, 3)]);
    beside.platform = Some(vec![Difference { what: "新关注".into(), ours: 214, theirs: 215 }]);
    let expected = "\
【demo 日报 2026-03-04 周三】
已关账 · +08:00 · 话术版本 ab12cd34ef56 · 截至 03-05 08:30 · 晚到 3 条已计入
括号里是和上周三比
▍粉丝
净增 +86（+15），粉丝共 48_281（+86）
新关注 214（+12）：首次 198（+10）、回头 16（+2）；取关 128（−3）
首次来自：营业厅 120、没有扫码 78
▍活跃
DAU 3_912（+120），近7天 5_062（+1_270），近30天 6_452（+2_660），人均活跃 1.6 天
新增 310、连续 1_200、回流 2_402；转沉默 1_150
菜单最热：查流量 900、签到 320
▍服务
客户消息 9_800（+800）
没答上 24 次（0.2%）：“怎么退订”12、“5g套餐 <@all>”8
评分平均 4.0 星（12 次）
隔离 2 条
▍和之前报的不一样
2026-03-03 DAU 2_347 → 2_350、消息 4_318 → 4_321（晚到）
▍和微信后台对账
新关注：我们 214，微信 215（−1，−0.5%）
▍要做的事
1. 2 条消息被隔离、没计入，请到控制台看原因
2. “怎么退订”有 12 次没答上，给它加个关键词吧
3. 25.0%的评分只有一两星，看看客户说了什么";
    assert_eq!(readable(&daily(&beside).text()), expected);
}

#[test]
fn a_week_is_told_with_a_paragraph_and_only_what_is_ripe() {
    let counters = counters();
    let beside = beside(&counters, at(5, 9, 0));
    let text = readable(&weekly(&beside).text());
    let expected = "\
【demo 周报 2026-W10（2026-03-02 至 2026-03-08）】
已关账 · +08:00 · 话术版本 ab12cd34ef56 · 截至 03-09 09:00
这一周有 5_062 位客户来过，比上周多 1_270（33.5%）。新关注 214 次，上周 202，没有明显变化；净增 86，粉丝共 48_281。\
新来和回流 2_660 位，转沉默 1_390 位：每沉默一位，来了 1.9 位。\
2026-W09 新来的 400 位客户，第二周有 150 位再来（37.5%），比前一批的 30.0% 高。首次关注最多来自营业厅：120 / 198（60.6%）。
▍这一周（括号里是和上周比）
WAU 5_062（+1_270），净增 +86（+15），粉丝共 48_281
新关注 214（+12）：首次 198（+10）、回头 16（+2）；取关 128（−3）
新增 2_660、连续 2_402、回流 0；转沉默 1_390；来去比 1.9
";
    assert!(text.starts_with(expected), "{text}");
    let markdown = readable(&weekly(&beside).markdown());
    for line in [
        "> 全部：W1 33.8%、W2 22.5%、W3 —、W4 —",
        "> 没有扫码：W1 24.0%、W2 22.5%、W3 —、W4 —",
        "> 营业厅：W1 50.0%、W2 —、W3 —、W4 —",
        "> <font color=\"comment\">还没满期：2026-W10 的 W1 0/7 天、2026-W09 的 W2 7/14 天、2026-W08 的 W3 14/21 天</font>",
        "> 关注后还在：1 天后 100.0%、7 天后 100.0%",
        "> 2026-W09 WAU 3_792、净增 +71、客户消息 9_000",
        "自检全部通过；晚到已计入 0 条，隔离 2 条",
    ] {
        assert!(markdown.contains(line), "{line}\n{markdown}");
    }
}

#[test]
fn an_unfinished_day_is_not_held_against_a_whole_one_and_who_stays_away_is_not_known() {
    let counters = counters();
    let text = daily(&beside(&counters, at(0, 12, 0))).text();
    assert!(text.contains("进行中 · +08:00") && text.contains("转沉默 —"), "{text}");
    assert!(!text.contains("上周三") && !text.contains("（+"), "{text}");
    let weekly = weekly(&beside(&counters, at(1, 12, 0)));
    assert!(weekly.text().contains("转沉默 —；来去比 —"), "{}", weekly.text());
    assert!(!weekly.text().contains("上周"), "{}", weekly.text());
    let json = serde_json::to_value(&weekly).unwrap();
    assert!(json["numbers"]["dormant"].is_null() && json["week_before"].is_null());
}

#[test]
fn where_nothing_happened_no_rate_is_made_up() {
    let counters = Counters::default();
    let beside = beside(&counters, at(5, 9, 0));
    for text in [daily(&beside).text(), weekly(&beside).markdown()] {
        for made_up in ["%", "NaN", "inf", "上周三", "评分", "没答上", "人均"] {
            assert!(!text.contains(made_up), "{made_up}\n{text}");
        }
    }
    assert!(daily(&beside).text().contains("今天没有，辛苦啦"));
    assert!(weekly(&beside).text().contains("来去比 —"));
}

#[test]
fn what_fails_and_what_was_left_out_is_the_first_thing_to_do() {
    let counters = counters();
    let mut beside = beside(&counters, at(1, 8, 30));
    beside.failed = vec!["2026-03-04 日活应等于各批新客当天活跃之和：3 对 4".to_owned()];
    beside.skipped = Some((BusinessDay(20_000), BusinessDay(20_003)));
    beside.platform = Some(vec![Difference { what: "新关注".into(), ours: 100, theirs: 300 }]);
    let text = daily(&beside).text();
    assert!(text.contains("▍自检没通过\n2026-03-04 日活应等于"), "{text}");
    let todo: Vec<&str> = text.lines().skip_while(|line| *line != "▍要做的事").skip(1).take(5).collect();
    assert!(todo[4].starts_with("5. ") && !text.contains("\n6. "), "{text}");
    assert!(todo[0].contains("自检有 1 项没过"), "{todo:?}");
    assert!(todo[1].contains("2024-10-04 至 2024-10-07"), "{todo:?}");
    assert!(todo[2].contains("新关注和微信后台差得较多"), "{todo:?}");
}

#[test]
fn every_form_holds_the_same_numbers() {
    let counters = counters();
    let beside = beside(&counters, at(5, 9, 0));
    for (brief, name, dau) in [(daily(&beside), "dau", 3_912), (weekly(&beside), "wau", 5_062)] {
        let json: serde_json::Value = serde_json::from_slice(&brief.written(BriefForm::Json).unwrap()).unwrap();
        assert_eq!(json["numbers"][name], dau);
        assert_eq!((&json["zone"], &json["account"]), (&"+08:00".into(), &"demo".into()));
        let csv = String::from_utf8(brief.written(BriefForm::Csv(Bom::With)).unwrap()).unwrap();
        assert!(csv.starts_with("\u{feff}period,section,name,value,week_before\n"), "{csv}");
        assert!(csv.contains(&format!("number,{name},{dau},")), "{csv}");
        assert!(brief.written(BriefForm::Xlsx).unwrap().starts_with(b"PK"));
        for (_, table) in brief.tables() {
            assert!(table.rows.iter().all(|row| row.len() == table.columns.len()), "{}", table.name);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_daily_is_too_long_or_calls_the_group_and_none_changes_while_it_waits(daily in any_daily()) {
        check(Brief::Daily(Box::new(daily)))?;
    }

    #[test]
    fn no_weekly_is_too_long_or_calls_the_group_and_none_changes_while_it_waits(weekly in any_weekly()) {
        check(Brief::Weekly(Box::new(weekly)))?;
    }
}

fn check(brief: Brief) -> Result<(), TestCaseError> {
    let stored: Brief = serde_json::from_str(&serde_json::to_string(&brief).unwrap()).unwrap();
    prop_assert_eq!(&stored, &brief);
    let (text, markdown) = (brief.text(), brief.markdown());
    prop_assert!(text.chars().count() <= MOST_CHARS, "{}", text.chars().count());
    prop_assert!(markdown.len() <= MOST_BYTES, "{}", markdown.len());
    prop_assert!(!markdown.contains("<@"));
    prop_assert!(text.lines().count() >= 2 && markdown.lines().count() >= 2, "{}", text);
    Ok(())
}
