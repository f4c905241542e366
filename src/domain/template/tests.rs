use super::*;

fn values(pairs: &[(&str, &str)]) -> Values {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect()
}

fn filled(source: &str, pairs: &[(&str, &str)]) -> String {
    Template::new(source).unwrap().fill(&values(pairs)).unwrap()
}

fn refusal(source: &str) -> TemplateFault {
    Template::new(source).expect_err(source)
}

#[test]
fn placeholders_are_filled_and_named() {
    let template =
        Template::new("{{ name }}，还剩 {{ left }}{% if gift == '有' %}，另有{{ gift }}{% endif %}").unwrap();
    assert_eq!(template.placeholders(), ["gift", "left", "name"].map(str::to_owned).into());
    let text = template.fill(&values(&[("name", "小李"), ("left", "3GB"), ("gift", "有")])).unwrap();
    assert_eq!(text, "小李，还剩 3GB，另有有");
}

#[test]
fn a_value_cannot_open_a_link() {
    assert_eq!(filled("{{ words }}", &[("words", "<a href='x'>免费</a>")]), "＜a href='x'>免费＜/a>");
    assert_eq!(filled("{{ '赞' ~ words }}", &[("words", "<b")]), "赞＜b");
    assert!(filled("{{ tap(words) }}", &[("words", "\"<a>&#")]).contains("=%22%3Ca%3E%26%23&"));
}

#[test]
fn a_value_is_never_read_as_a_template() {
    assert_eq!(filled("{{ words }}", &[("words", "{{ secret }}{% if")]), "{{ secret }}{% if");
}

#[test]
fn taps_and_links_are_the_platforms_markup() {
    let expected = "<a href=\"weixin://bizmsgmenu?msgmenucontent=a%20b&msgmenuid=1\">看</a>";
    assert_eq!(filled("{{ tap('看', 'a b') }}", &[]), expected);
    assert_eq!(filled("{{ link('官网', 'https://a.cn/?x=1') }}", &[]), "<a href=\"https://a.cn/?x=1\">官网</a>");
    assert_eq!(filled("{{ link('订单', '/orders/~/7') }}", &[]), "<a href=\"/orders/~/7\">订单</a>");
    for bad in ["javascript:alert(1)", "https://a.cn/\" x=\"", "weixin://dl", "//a.cn/", "/a\"b", "/a b"] {
        let template = Template::new("{{ link('看', url) }}").unwrap();
        assert!(template.fill(&values(&[("url", bad)])).is_err(), "{bad}");
    }
}

#[test]
fn an_undefined_name_is_a_fault_and_a_known_placeholder() {
    for name in ["config", "env", "request", "range", "debug"] {
        let template = Template::new(format!("{{{{ {name} }}}}")).unwrap();
        assert!(template.placeholders().contains(name), "{name}");
        assert!(template.fill(&Values::new()).is_err(), "{name}");
    }
    assert!(Template::new("{{ a.b }}").unwrap().fill(&values(&[("a", "x")])).is_err());
}

#[test]
fn what_could_multiply_or_fail_late_is_refused_when_read() {
    let all = [
        "{{ name|upper }}",
        "{% for a in b %}{{ a }}{% endfor %}",
        "{% set a = 'x' %}",
        "{% include 'text' %}",
        "{% macro m() %}{% endmacro %}",
        "{% raw %}{{ x }}{% endraw %}",
        "{{ 'aaaa' * 1000000 }}",
        "{{ a[0] }}",
        "{{ a is defined }}",
        "{{ self }}",
        "{% if a|b %}{% endif %}",
        "{{ '\\'' * 9 }}",
    ];
    for source in all {
        assert!(refusal(source).line.is_some(), "{source}");
    }
    assert_eq!(filled("{# {{ a|b }} #}a { b } | {{ '|*[]%}' }}", &[]), "a { b } | |*[]%}");
}

#[test]
fn a_fault_names_its_line() {
    assert_eq!(refusal("一\n二\n{{ 三").line, Some(3));
    assert_eq!(refusal("一\n二 {{ a|b }}").line, Some(2));
    assert_eq!(refusal("{{ a ? b }}").line, Some(1));
}

#[test]
fn work_and_output_are_bounded() {
    let big = "中".repeat(20_000);
    let text = filled(&"{{ a }}".repeat(2_000), &[("a", &big)]);
    assert_eq!(text, "中".repeat(MAX_OUTPUT_BYTES / 3));
    assert!(Template::new("a".repeat(MAX_SOURCE_BYTES + 1)).is_err());
    assert!(Template::new("{{ a }}".repeat(2_300)).unwrap().fill(&values(&[("a", "")])).is_ok());
}

#[test]
fn nothing_an_operator_writes_exhausts_the_stack() {
    refusal(&format!("{{{{ {} }}}}", ["a"; 3_600].join("~")));
    refusal(&format!("{{{{ {}a{} }}}}", "(".repeat(3_600), ")".repeat(3_600)));
    refusal(&format!("{}{}", "{% if a %}".repeat(800), "{% endif %}".repeat(800)));
    refusal(&format!("{{% if a %}}{}{{% endif %}}", "{% elif a %}".repeat(1_200)));
    let deepest = format!("{}x{}", "{% if a %}".repeat(49), "{% endif %}".repeat(49));
    assert_eq!(filled(&deepest, &[("a", "1")]), "x");
}

#[test]
fn a_machine_gets_values_as_they_are() {
    let template = Template::new("/plans/{{ id }}").unwrap();
    let filled = template.fill_verbatim(&values(&[("id", "<1>")]), |value| format!("[{value}]")).unwrap();
    assert_eq!(filled, "/plans/[<1>]");
}
