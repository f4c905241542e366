//! A small playbook for tests: one action of each simple kind.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::actions::Kind;
use super::connector::Connector;
use super::customer::Customer;
use super::decision::Moment;
use super::ids::{ActionKey, ConnectorKey, DedupeKey};
use super::inbound::{Event, Inbound, Message, What};
use super::keywords::{KeywordRule, Keywords};
use super::menu::Menu;
use super::order::{Business, Happening, Order, Paid, Payment, Returning, Verdict, judge};
use super::pay::{Fen, OutRefundNo, TransactionId};
use super::playbook::{Moments, Playbook};
use super::time::UnixSecs;
use super::value::Values;

const SAMPLE: &str = r#"
[actions.welcome]
kind = "say"
text = "欢迎！"

[actions.welcome_back]
kind = "say"
text = "欢迎回来！"

[actions.scanned]
kind = "say"
text = "扫码成功"

[actions.shop]
kind = "say"
text = "门店专享"

[actions.broken]
kind = "say"
text = "您好 {{ nobody }}"

[actions.fallback]
kind = "say"
text = "没听懂，试试{{ tap('查话费') }}"

[actions.not_words]
kind = "say"
text = "请打字"

[actions.balance]
kind = "query"
connector = "balance"
reply = "话费余额 {{ balance }} 元"
waiting = "正在查询"
late = "刚才查的结果："
unavailable = "查询暂时不可用"
[actions.balance.refused]
NO_NUMBER = "您还没有绑定号码"
default = "查不到"

[actions.offers]
kind = "articles"
articles = [{ title = "特惠", url = "https://example.com/1" }, { title = "新品", url = "https://example.com/2" }]

[actions.person]
kind = "handover"
ask = "请点{{ tap('转人工') }}"

[actions.pack]
kind = "order"
connector = "order"
choices = [{ code = "M5G", label = "5GB 月包", amount_fen = 2000 }]
expires_secs = 300
choose = "请选择："
item = "{{ number }}. {{ label }} {{ amount }} 元"
choose_end = "回复序号"
confirm = "确认办理 {{ label }}，{{ amount }} 元？"
placed = "正在办理，订单号 {{ order }}"
receipt = "{{ label }} 已到账"
cancelled = "已取消"
expired = "等太久了，请重新选择"
unclear_choice = "请回复 1 到 {{ count }}"
unclear_confirm = "请回复确认或取消"
unknown = "订单 {{ order }} 人工核实中"
refused = { default = "没有办成", POOR = "余额不足" }
standing = { placed = "办理中", done = "已办好", refused = "没办成", unknown = "核实中" }

[[keywords]]
exact = ["充流量"]
action = "pack"
[[keywords]]
exact = ["查话费"]
action = "balance"
[[keywords]]
contains = ["优惠"]
action = "offers"
[[keywords]]
exact = ["转人工"]
action = "person"

[moments]
first_follow = "welcome"
refollow = "welcome_back"
scan = "scanned"
scenes = { shop = "shop" }
fallback = "fallback"
not_words = "not_words"

[connectors.balance]
method = "GET"
path = "/balance"
timeout_ms = 1500
late_timeout_ms = 20000
fields = { balance = { at = "/balance_fen", as = "fen" } }
example = { code = "0", balance_fen = 8650 }

[connectors.order]
method = "POST"
path = "/orders"
timeout_ms = 2500
late_timeout_ms = 20000
idempotency_header = "Idempotency-Key"
fields = { left = { at = "/balance_fen", as = "fen" } }
refusal = { at = "/code", ok = "0" }
example = { code = "0", balance_fen = 6650 }

[[menus]]
button = [
    { name = "查询", sub_button = [{ type = "click", name = "话费", key = "balance" }] },
    { name = "优惠", type = "click", key = "offers" },
]
"#;

#[derive(Deserialize)]
struct Files {
    actions: BTreeMap<ActionKey, toml::Table>,
    keywords: Vec<KeywordRule>,
    moments: Moments,
    connectors: BTreeMap<ConnectorKey, Connector>,
    menus: Vec<Menu>,
}

pub(crate) fn playbook() -> Playbook {
    let files: Files = toml::from_str(SAMPLE).unwrap();
    let kind = |mut table: toml::Table| {
        let name = table.remove("kind").unwrap();
        Kind::read(name.as_str().unwrap(), table).unwrap().unwrap()
    };
    Playbook {
        version: "sample".into(),
        actions: files.actions.into_iter().map(|(key, table)| (key, kind(table))).collect(),
        keywords: Keywords::new(files.keywords).unwrap(),
        moments: files.moments,
        base_url: "sandbox:".into(),
        connectors: files.connectors,
        menus: files.menus,
        ..Playbook::default()
    }
}

/// Noon of a business day.
pub(crate) const NOON: UnixSecs = UnixSecs(1_767_240_000);

pub(crate) fn moment() -> Moment {
    Moment { now: NOON, at: NOON, key: DedupeKey(7), fresh: 42 }
}

pub(crate) fn inbound(what: What) -> Inbound {
    Inbound { openid: "o1".into(), at: NOON, key: DedupeKey(7), what }
}

pub(crate) fn text(words: &str) -> Inbound {
    inbound(What::Message(Message::Text { content: words.into(), menu_id: None }))
}

pub(crate) fn tap(key: &str) -> Inbound {
    inbound(What::Event(Event::MenuTapped { key: key.into() }))
}

pub(crate) fn event(event: Event) -> Inbound {
    inbound(What::Event(event))
}

/// A customer in a dialogue of `action` until `expires`.
pub(crate) fn talking(action: &str, expires: UnixSecs) -> Customer {
    let dialogue =
        super::customer::Dialogue { action: action.into(), step: "one".into(), slots: BTreeMap::new(), expires };
    Customer { dialogue: Some(dialogue), ..Customer::default() }
}

/// 2026-01-01 08:00 +08:00: when everything happened to a sample's orders.
pub(crate) const EIGHT: UnixSecs = UnixSecs(1_767_225_600);

/// An order of 5GB 流量月包 for 20 yuan that the business system charges, after all this.
pub(crate) fn order(number: &str, happenings: &[Happening]) -> Order {
    told(number, Payment::ByBusiness, happenings)
}

/// The same, paid by WeChat Pay.
pub(crate) fn wechat_order(number: &str, happenings: &[Happening]) -> Order {
    told(number, Payment::ByWeChat(Default::default()), happenings)
}

/// It can be paid.
pub(crate) fn payable() -> Happening {
    Happening::Payable { prepay_id: "wx1".into() }
}

/// So much came in.
pub(crate) fn paid(total_fen: i64) -> Happening {
    Happening::Paid(payment(total_fen))
}

/// So much came in once more.
pub(crate) fn paid_again(total_fen: i64) -> Happening {
    let transaction = TransactionId::new("4201").unwrap();
    Happening::Paid(Paid { transaction, ..payment(total_fen) })
}

/// That is back, as we asked.
pub(crate) fn money_back(total_fen: i64) -> Happening {
    let number = OutRefundNo::new("R1").unwrap();
    Happening::MoneyBack(Returning { number, of: payment(total_fen), back: Fen(total_fen) })
}

fn payment(total_fen: i64) -> Paid {
    Paid { transaction: TransactionId::new("4200").unwrap(), total: Fen(total_fen), at: EIGHT }
}

fn told(number: &str, payment: Payment, happenings: &[Happening]) -> Order {
    let draft = Order {
        number: number.into(),
        action: "buy".into(),
        origin: DedupeKey(7),
        code: "M5G".into(),
        label: "5GB 流量月包".into(),
        amount: Fen(2_000),
        agreed_at: None,
        moved_at: UnixSecs(0),
        learned: None,
        payment,
        business: Business::NotAsked,
        person: None,
        details: Values::new(),
        puts: Default::default(),
        points: 0,
    };
    happenings.iter().fold(draft, |order, happening| match judge(&order, happening, EIGHT) {
        Verdict::New { order, .. } => *order,
        other => panic!("{happening:?}: {other:?}"),
    })
}
