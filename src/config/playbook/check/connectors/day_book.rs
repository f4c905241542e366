//! The list of a day: asked for by day and page, and read by number and amount.

use std::collections::BTreeSet;

use crate::config::nearest::suggestion;
use crate::config::playbook::draft::Draft;
use crate::config::playbook::finding::{Code, Finding};
use crate::domain::connector::{Connector, Unit};
use crate::domain::ids::ConnectorKey;

/// What the question hands over.
const VALUES: [&str; 2] = ["day", "page"];

pub(super) fn check(draft: &Draft, findings: &mut Vec<Finding>) {
    let Some(part) = &draft.day_book else { return };
    let Some(key) = &part.value else { return };
    let Some(named) = draft.connectors.get(key) else {
        let mend = suggestion(key.as_str(), draft.connectors.keys().map(ConnectorKey::as_str));
        findings.push(part.site.error(Code::UnknownConnector, format!("连接 {key} 不存在"), mend));
        return;
    };
    let Some(connector) = &named.value else { return };
    let mut rule = |field: &str, (message, mend): (String, &str)| {
        findings.push(named.site.field(field).error(Code::ConnectorRule, message, mend));
    };
    if !connector.may_be_repeated() {
        rule("method", (format!("{key} 不能重复问，不能用来对账"), "换成只查询的连接器：method = \"GET\""));
    }
    let used = connector.placeholders();
    let known: BTreeSet<String> = VALUES.map(str::to_owned).into();
    if let Some(name) = used.difference(&known).next() {
        rule(
            "path",
            (
                format!("对账的连接器不提供 {{{{ {name} }}}}"),
                "只用 {{ day }}（日期）和 {{ page }}（第几页，从 1 开始）",
            ),
        );
    }
    if let Some(name) = known.difference(&used).next() {
        rule(
            "path",
            (format!("对账的连接器要用到 {{{{ {name} }}}}"), "在 path 或 query 里写上 {{ day }} 和 {{ page }}"),
        );
    }
    if !reads(connector) {
        let mend = "写 fields.orders = { at = \"/…\", as = \"list\", most = 31, fields = { order = { at = \"/…\", as = \"text\" }, amount = { at = \"/…\", as = \"fen\" } } }";
        rule("fields", ("对账的连接器要读出 orders：每一条有订单号 order 和金额 amount".to_owned(), mend));
    }
}

fn reads(connector: &Connector) -> bool {
    let Some(orders) = connector.fields.get("orders").filter(|field| field.unit == Unit::List) else { return false };
    let unit = |name: &str| orders.fields.get(name).map(|field| field.unit);
    unit("order") == Some(Unit::Text) && matches!(unit("amount"), Some(Unit::Fen | Unit::Yuan))
}
