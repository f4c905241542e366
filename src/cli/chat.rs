//! `fuwu chat`: a phone in the terminal, against the playbook on disk. Nothing is stored.

use std::io::{self, BufRead, Write};
use std::sync::Arc;

use crate::app::rehearsal::{Heard, Rehearsal, duration_secs, followed, marked, said, sent};
use crate::domain::inbound::{Event, What};
use crate::domain::menu::{Button, Menu};
use crate::domain::playbook::Playbook;
use crate::domain::reply::Reply;
use crate::domain::time::UnixSecs;

const HELP: &str = "直接打字就是发消息。
/menu 看菜单    /1.2 点菜单第 1 栏第 2 项    /follow [场景] 关注    /unfollow 取消关注
/scan 场景 扫码    /send image 发图片（voice、video、location、link、sticker）
/later 10m 过一会儿    /quit 离开";

/// Reads lines until there are no more or `/quit`. `clock` gives the present time.
pub fn chat(
    playbook: Arc<Playbook>,
    name: &str,
    (input, out): (impl BufRead, &mut impl Write),
    clock: impl Fn() -> UnixSecs,
) -> io::Result<()> {
    let mut phone = Phone { rehearsal: Rehearsal::new(playbook, clock()), ahead_secs: 0 };
    writeln!(out, "{HELP}\n")?;
    prompt(name, out)?;
    for line in input.split(b'\n') {
        let line = line?;
        // A terminal in another encoding must not end the conversation.
        let line = String::from_utf8_lossy(&line);
        let passed = phone.rehearsal.wait_until(clock().plus_secs(phone.ahead_secs));
        show(&passed, out)?;
        match phone.act(line.trim()) {
            Done::Heard(heard) => show(&heard, out)?,
            Done::Told(text) => writeln!(out, "{text}")?,
            Done::Quit => return Ok(()),
        }
        prompt(name, out)?;
    }
    writeln!(out)
}

struct Phone {
    rehearsal: Rehearsal,
    /// How far `/later` has moved the clock.
    ahead_secs: i64,
}

enum Done {
    Heard(Heard),
    Told(String),
    Quit,
}

impl Phone {
    fn act(&mut self, line: &str) -> Done {
        let Some(command) = line.strip_prefix('/') else {
            return if line.is_empty() { Done::Told(String::new()) } else { self.deliver(said(line)) };
        };
        let (command, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
        match (command, rest.trim()) {
            ("quit", _) => Done::Quit,
            ("menu", _) => Done::Told(self.menu().map_or_else(|| "没有菜单".into(), listed)),
            ("follow", "") => self.deliver(What::Event(followed(None))),
            ("follow", scene) => self.deliver(What::Event(followed(Some(scene)))),
            ("unfollow", _) => self.deliver(What::Event(Event::Unsubscribed)),
            ("scan", scene) if !scene.is_empty() => {
                self.deliver(What::Event(Event::Scanned { scene: scene.into(), ticket: None }))
            }
            ("send", kind) => sent(kind).map_or_else(Done::Told, |what| self.deliver(what)),
            ("later", text) => duration_secs(text).map_or_else(Done::Told, |secs| self.pass(secs)),
            (place, _) if place.starts_with(|c: char| c.is_ascii_digit()) => self.tap(place),
            _ => Done::Told(HELP.into()),
        }
    }

    fn deliver(&mut self, what: What) -> Done {
        Done::Heard(self.rehearsal.deliver(what))
    }

    fn pass(&mut self, secs: i64) -> Done {
        self.ahead_secs = self.ahead_secs.saturating_add(secs);
        Done::Heard(self.rehearsal.wait_until(self.rehearsal.now().plus_secs(secs)))
    }

    /// Everybody's menu.
    fn menu(&self) -> Option<&Menu> {
        self.rehearsal.playbook().menus.iter().find(|menu| menu.matchrule.is_none())
    }

    fn tap(&mut self, place: &str) -> Done {
        let Some(button) = self.menu().and_then(|menu| button_at(menu, place)) else {
            return Done::Told(format!("菜单里没有 {place}"));
        };
        match (&button.key, &button.url) {
            (Some(key), _) => {
                let event = Event::MenuTapped { key: key.clone() };
                self.deliver(What::Event(event))
            }
            (None, Some(url)) => {
                let (opened, url) = (format!("（打开 {url}）"), url.clone());
                self.rehearsal.deliver(What::Event(Event::LinkOpened { url, menu_id: None }));
                Done::Told(opened)
            }
            (None, None) if !button.sub_button.is_empty() => {
                Done::Told(format!("「{}」下面还有：{}", button.name, names(&button.sub_button)))
            }
            (None, None) => Done::Told(format!("「{}」在这里点不了", button.name)),
        }
    }
}

/// `2` or `1.2`, counted from 1.
fn button_at<'a>(menu: &'a Menu, place: &str) -> Option<&'a Button> {
    let (top, sub) = place.split_once('.').map_or((place, None), |(top, sub)| (top, Some(sub)));
    let nth = |buttons: &'a [Button], n: &str| buttons.get(n.parse::<usize>().ok()?.checked_sub(1)?);
    let top = nth(&menu.button, top)?;
    sub.map_or(Some(top), |sub| nth(&top.sub_button, sub))
}

fn names(buttons: &[Button]) -> String {
    buttons.iter().map(|button| button.name.as_str()).collect::<Vec<_>>().join("、")
}

fn listed(menu: &Menu) -> String {
    let mut lines = Vec::new();
    for (n, top) in (1..).zip(&menu.button) {
        lines.push(format!("{n} {}", top.name));
        lines.extend((1..).zip(&top.sub_button).map(|(m, sub)| format!("  {n}.{m} {}", sub.name)));
    }
    lines.join("\n")
}

fn prompt(name: &str, out: &mut impl Write) -> io::Result<()> {
    write!(out, "{name}> ")?;
    out.flush()
}

fn show(heard: &Heard, out: &mut impl Write) -> io::Result<()> {
    let said = std::iter::once(&heard.reply).chain(&heard.arrived);
    for reply in said.filter(|reply| **reply != Reply::Silent) {
        writeln!(out, "{}\n", marked(reply))?;
    }
    for fault in &heard.faults {
        writeln!(out, "！{fault}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::sample::{NOON, playbook};

    fn typed(lines: impl AsRef<[u8]>) -> String {
        let mut out = Vec::new();
        chat(Arc::new(playbook()), "小李", (lines.as_ref(), &mut out), || NOON).unwrap();
        String::from_utf8(out).unwrap().replacen(HELP, "", 1)
    }

    #[test]
    fn a_phone_can_follow_type_tap_and_leave() {
        let shown = typed("/follow\n查话费\n/menu\n/1.1\n/2\n天气\n/unfollow\n/quit\nnever read\n");
        for words in ["欢迎！", "话费余额 86.50 元", "1 查询\n  1.1 话费\n2 优惠", "【特惠】", "没听懂，试试[查话费]"]
        {
            assert!(shown.contains(words), "{words}: {shown}");
        }
        assert_eq!(shown.matches("小李> ").count(), 8, "{shown}");
        assert_eq!(shown.matches("话费余额").count(), 2, "{shown}");
    }

    #[test]
    fn what_cannot_be_done_is_said() {
        let shown = typed("/9\n/1\n/1.9\n/x\n/later soon\n/send smell\n\n");
        for words in ["没有 9", "「查询」下面还有：话费", "没有 1.9", "/menu 看菜单", "不是一段时间", "不认识「smell」"]
        {
            assert!(shown.contains(words), "{words}: {shown}");
        }
    }

    #[test]
    fn a_line_that_is_no_utf8_is_a_line_like_any_other() {
        let shown = typed(b"\xff\xfe\r\n\xe6\x9f\xa5\xe8\xaf\x9d\xe8\xb4\xb9\r\n");
        for words in ["没听懂，试试[查话费]", "话费余额 86.50 元"] {
            assert!(shown.contains(words), "{words}: {shown}");
        }
    }

    #[test]
    fn time_passes_when_told() {
        let shown = typed("充流量\n/later 10m\n1\n/scan shop\n/send sticker\n");
        for words in ["1. 5GB 月包", "等太久了", "门店专享", "请打字"] {
            assert!(shown.contains(words), "{words}: {shown}");
        }
    }
}
