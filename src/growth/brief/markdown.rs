//! In the Markdown of a WeCom group robot: headings, bold, quotes and three colours, nothing else.

use super::page::{Line, Page, Place, Tone};

/// The longest message a group robot takes, in bytes of UTF-8.
pub const MOST_BYTES: usize = 4096;

pub(super) fn written(page: &Page) -> String {
    page.fitted(line, |text| text.len() <= MOST_BYTES)
}

fn line(line: &Line) -> String {
    let spans: String = line.spans.iter().map(|(tone, text)| span(*tone, &defused(text))).collect();
    match line.place {
        Place::Title => format!("# {spans}"),
        Place::Heading => format!("**{spans}**"),
        Place::Line => format!("> {spans}"),
    }
}

fn span(tone: Tone, text: &str) -> String {
    match tone {
        Tone::Plain => text.to_owned(),
        Tone::Strong => format!("**{text}**"),
        Tone::Quiet => format!("<font color=\"comment\">{text}</font>"),
        Tone::Warning => format!("<font color=\"warning\">{text}</font>"),
    }
}

/// What a customer wrote must neither look like a heading of ours nor call everybody in the group: the marks of Markdown
/// and of mentions become their full-width twins.
fn defused(text: &str) -> String {
    let twin = |c| match c {
        '<' => '＜',
        '>' => '＞',
        '*' => '＊',
        '_' => '＿',
        '`' => '｀',
        '[' => '［',
        ']' => '］',
        '#' => '＃',
        '@' => '＠',
        '\\' => '＼',
        c if c.is_control() => ' ',
        c => c,
    };
    text.chars().map(twin).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_customer_wrote_cannot_call_the_group_or_dress_up() {
        let mut page = Page::default();
        page.title("<@all>\n# [x](http://y) **b** `c`".into());
        assert_eq!(written(&page), "# ＜＠all＞ ＃ ［x］(http://y) ＊＊b＊＊ ｀c｀");
    }

    #[test]
    fn a_page_uses_only_what_the_robot_understands() {
        let mut page = Page::default();
        page.title("日报".into());
        page.heading("粉丝", super::super::page::Worth::Core);
        let spans = [Tone::Plain, Tone::Strong, Tone::Quiet, Tone::Warning].map(|tone| (tone, "1".to_owned()));
        page.line(super::super::page::Worth::Core, spans.to_vec());
        let expected = "# 日报\n**粉丝**\n> 1**1**<font color=\"comment\">1</font><font color=\"warning\">1</font>";
        assert_eq!(written(&page), expected);
    }
}
