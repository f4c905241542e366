//! `fuwu order`: the orders and forms that a person has to look at, one of them, and what was decided.

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Subcommand, ValueEnum};
use serde_json::Value;

use super::assemble::{rules, store_spec};
use super::customer::{at_server_below, key};
use super::{playbook_on_disk, running};
use crate::app::{
    Case, CaseDecision, Clock as _, Desk, HandedIn, Standing, SystemClock, Taken, cases, handed_in, moment, whose_order,
};
use crate::config::{AccountSettings, Settings};
use crate::domain::ids::{AccountId, OrderNumber};
use crate::domain::order::{Decided, Order, State};
use crate::store::{StoreError, open_to_export};

#[derive(Debug, Subcommand)]
pub(super) enum OrderCommand {
    /// Orders and payments that wait for a person: since when, why, how much. Also beside a running server.
    List,
    /// One order: what it is, how it stands, and what was paid and returned; or one form that was handed in: how it
    /// stands and has stood. Also beside a running server.
    Show {
        /// The number of the order or the form.
        number: String,
    },
    /// What a person decided about an order or a form that needs one; through the running server where there is one.
    Decide {
        /// The number of the order or the form.
        number: String,
        /// What was decided.
        decision: Word,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Word {
    /// It is done: the customer has what they ordered.
    Done,
    /// It is not done and shall not be: what was paid goes back.
    Undone,
    /// What was paid, or paid twice, was given back by other means than a refund of ours.
    Returned,
    /// It was looked at, and nothing is to be done here.
    Seen,
}

impl Word {
    fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Undone => "undone",
            Self::Returned => "returned",
            Self::Seen => "seen",
        }
    }

    fn decision(self) -> CaseDecision {
        match self {
            Self::Done => CaseDecision::Of(Decided::Done),
            Self::Undone => CaseDecision::Of(Decided::Undone),
            Self::Returned => CaseDecision::Of(Decided::Returned),
            Self::Seen => CaseDecision::Seen,
        }
    }
}

pub(super) fn run(
    settings: &Settings,
    (id, account): (&AccountId, &AccountSettings),
    command: &OrderCommand,
) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match command {
        OrderCommand::List => runtime.block_on(list(settings, id)),
        OrderCommand::Show { number } => runtime.block_on(show(settings, id, &OrderNumber::new(number.as_str()))),
        OrderCommand::Decide { number, decision } => {
            let number = OrderNumber::new(number.as_str());
            runtime.block_on(decide(settings, (id, account), (&number, *decision)))
        }
    }
}

async fn list(settings: &Settings, account: &AccountId) -> anyhow::Result<ExitCode> {
    let store = open_to_export(settings.store_url.expose(), &settings.data_dir, key(settings)?).await?;
    print!("{}", listed(&cases(store.as_ref(), account).await?));
    Ok(ExitCode::SUCCESS)
}

fn listed(cases: &[Case]) -> String {
    if cases.is_empty() {
        return "没有要人工核对的订单。no order waits for a person\n".to_owned();
    }
    let line = |case: &Case| {
        let amount = crate::domain::pay::Fen(case.amount_fen);
        let action = case.forgotten.as_ref().map_or(String::new(), |forgotten| format!("  {}", forgotten.action));
        format!("{}  {}{action}  {amount} 元  {}\n", moment(case.at), case.number, in_words(&case.reason))
    };
    cases.iter().map(line).collect()
}

/// A reason as an operator reads it, and what to look at.
fn in_words(reason: &str) -> &str {
    match reason {
        "business_silent" => "业务系统一直没有明确答复：请在业务系统里查这个订单号，再 decide done 或 undone",
        "business_contradicts" => "业务系统前后说法不一：请核对是否已经办成，钱是否已经退回",
        "amount_differs" => "付款金额和订单不一致：请在商户平台核对",
        "payment_silent" => "微信支付一直没有明确答复：请在商户平台查这个订单号是否已付款",
        "refund_failed" => "退款失败：decide undone 再退一次；已用别的办法把钱退给客户，就 decide returned",
        "refund_silent" => "退款结果不明：请在商户平台查这笔退款",
        "refunded_outside" => "有人在商户平台退了款：请核对是否还要办理",
        "paid_back_in_part" => "有人在商户平台退了一部分款：请核对",
        "paid_twice" => "同一订单收到两笔付款：请在商户平台退回多收的一笔；已用别的办法退了，就 decide returned",
        "unknown_order" => "收到一笔付款，这里没有这个订单：请在商户平台核对，处理好后 decide seen",
        "ended_order" => "有一笔付款或退款，是一个早已了结、资料已清除的订单的：请在商户平台核对，处理好后 decide seen",
        "forgotten_order" => {
            "收到一笔付款，订单的客户资料已经清除：请在业务系统里查这个订单号；已经办成就 decide done，没有办成就 decide undone，钱从这里退回"
        }
        "forgotten_returning" => {
            "客户资料已经清除的一笔付款，正在退回：到账后自动去掉；久等不到就再 decide undone 一次"
        }
        "notice_unreadable" => "微信支付发来一条读不懂的通知：请在商户平台核对当天的账，处理好后 decide seen",
        "notice_other_merchant" | "notice_other_app" => {
            "微信支付发来别的商户号或公众号的通知：请检查商户平台里的通知地址，处理好后 decide seen"
        }
        "form_unknown" => {
            "表单交出去以后一直没有明确答复：请在业务系统里查这个编号，再 decide done 或 undone；占用的号码在那以前不会给别人"
        }
        "form_goods_taken" => "表单选的号码已经是别人的了：请联系客户换一个，处理好后 decide seen",
        other => crate::domain::books::Difference::in_words(other).unwrap_or(other),
    }
}

async fn show(settings: &Settings, account: &AccountId, number: &OrderNumber) -> anyhow::Result<ExitCode> {
    let store = open_to_export(settings.store_url.expose(), &settings.data_dir, key(settings)?).await?;
    let Some(of) = whose_order(store.as_ref(), account, number).await? else {
        let Some(form) = handed_in(store.as_ref(), account, number).await? else { return Ok(unknown()) };
        print!("{}", told_form(&form));
        return Ok(ExitCode::SUCCESS);
    };
    let stored = store.load(&of).await?;
    let Some(order) = stored.customer.orders.get(number) else { return Ok(unknown()) };
    print!("{}", told(order));
    Ok(ExitCode::SUCCESS)
}

fn told(order: &Order) -> String {
    let mut told = String::new();
    let because = order.learned.map_or("", |reason| reason.as_str());
    let _ = writeln!(told, "{}  {}  {}", order.number, order.label, order.price());
    let _ = writeln!(told, "状态 state：{}  {}", state(order.state()), in_words(because));
    let _ = writeln!(told, "时间 since：{}", moment(order.moved_at));
    if let Some(money) = order.money() {
        for paid in money.paid.iter().chain(&money.twice) {
            let _ = writeln!(told, "付款 paid：{} 元  {}  {}", paid.total, moment(paid.at), paid.transaction);
        }
        for returned in &money.returned {
            let _ = writeln!(told, "退款 returned：{} 元  {}", returned.back, returned.number);
        }
    }
    told
}

fn told_form(form: &HandedIn) -> String {
    let mut told = String::new();
    let _ = writeln!(told, "{}  表单 form {}", form.number, form.action);
    let _ = writeln!(told, "状态 state：{}", standing(form.stands()));
    if let Some(reason) = &form.case {
        let _ = writeln!(told, "等人处理 waits for a person：{}", in_words(reason));
    }
    if let Some(hold) = &form.hold {
        let _ = writeln!(told, "占用 holds：{}  {}", hold.pool, hold.item);
    }
    for (at, stood) in &form.history {
        let _ = writeln!(told, "经过 history：{}  {}", moment(*at), standing(*stood));
    }
    if !form.is_kept {
        let _ = writeln!(told, "客户资料里已经不记着它了。the customer's record knows of it no more");
    }
    told
}

fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Placed => "已交业务系统，等答复 placed",
        Standing::Done => "办好了 done",
        Standing::Refused => "没有办成 refused",
        Standing::Unknown => "没有明确答复，要人工核对 unknown",
        Standing::Ticket => "留下编号由人处理 ticket",
    }
}

fn state(state: State) -> &'static str {
    match state {
        State::Draft => "未下单 draft",
        State::Confirmed => "已确认 confirmed",
        State::AwaitingPayment => "待付款 awaiting payment",
        State::Paid => "已付款 paid",
        State::Fulfilling => "办理中 fulfilling",
        State::Done => "办好了 done",
        State::Failed => "没有办成，没有收钱 failed",
        State::Refunding => "退款中 refunding",
        State::Refunded => "已退款 refunded",
        State::NeedsPerson => "要人工核对 needs a person",
    }
}

async fn decide(
    settings: &Settings,
    (id, account): (&AccountId, &AccountSettings),
    (number, word): (&OrderNumber, Word),
) -> anyhow::Result<ExitCode> {
    let opened =
        crate::store::open(settings.store_url.expose(), &settings.data_dir, store_spec(settings)?, key(settings)?);
    let store = match opened.await {
        Ok(store) => store,
        Err(StoreError::Locked(_)) => return at_running_server(settings, id, (number, word)).await,
        Err(error) => return Err(error.into()),
    };
    let playbook = playbook_on_disk(account)?;
    let rules = rules(settings, key(settings)?)?;
    let desk = Desk { store: store.as_ref(), playbook: &playbook, rules: &rules, now: SystemClock.now() };
    let taken = desk.decide(id, (number, word.decision())).await;
    store.close().await?;
    Ok(match taken? {
        Taken::Order(order) => {
            print!("{}", told(&order));
            eprintln!("已记下；服务运行时继续。it is kept, and goes on while a server runs");
            ExitCode::SUCCESS
        }
        Taken::Closed => closed(),
        Taken::NotSo(order) => not_so(state(order.state())),
        Taken::Form(form) => {
            print!("{}", told_form(&form));
            eprintln!("已记下；服务运行时告诉客户。it is kept, and the customer is told while a server runs");
            ExitCode::SUCCESS
        }
        Taken::FormNotSo(form, why) => {
            let (cause, mend) = why.told();
            not_so(&format!("{}：{cause}; {mend}", standing(form.stands())))
        }
        Taken::GaveBack(_) => not_so(
            "只有运行中的服务能退款；请启动 fuwu serve，再用它的接口 POST /api/v1/orders/NUMBER/decide?decision=undone。only a running server gives money back",
        ),
        Taken::Unknown => unknown(),
    })
}

async fn at_running_server(
    settings: &Settings,
    account: &AccountId,
    (number, word): (&OrderNumber, Word),
) -> anyhow::Result<ExitCode> {
    let (mut url, token) = at_server_below(settings, "orders")?;
    url.path_segments_mut().ok().context("an address has a path")?.push(number.as_str()).push("decide");
    url.query_pairs_mut().append_pair("decision", word.as_str()).append_pair("account", account.as_str());
    let (status, body) = running::post((url, token)).await?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    match status {
        200 if body.get("closed").is_some() => Ok(closed()),
        200 if body.get("returning").is_some() => {
            eprintln!("正在退回，到账后自动从列表中去掉。it is on its way back");
            Ok(ExitCode::SUCCESS)
        }
        200 => {
            eprintln!("已记下 kept：{}", text("state"));
            Ok(ExitCode::SUCCESS)
        }
        404 => Ok(unknown()),
        409 => Ok(not_so(&format!("{}; {}", text("error"), text("mend")))),
        status => bail!("the running server refused ({status}): {}", text("error")),
    }
}

fn closed() -> ExitCode {
    eprintln!("已从列表中去掉。taken off the list");
    ExitCode::SUCCESS
}

fn not_so(stands: &str) -> ExitCode {
    eprintln!("fuwu: 现在不能这样处理：{stands}。it cannot be decided so as it stands");
    ExitCode::from(1)
}

fn unknown() -> ExitCode {
    eprintln!("fuwu: 没有这个订单或表单。there is no such order, nor a form of this number");
    ExitCode::from(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::order::{Happening, Reason};
    use crate::domain::sample::{EIGHT, paid, payable, wechat_order};

    #[test]
    fn every_reason_for_which_a_person_is_called_is_told_with_what_to_look_at() {
        let called = [
            Reason::BusinessSilent,
            Reason::BusinessContradicts,
            Reason::AmountDiffers,
            Reason::PaymentSilent,
            Reason::RefundFailed,
            Reason::RefundSilent,
            Reason::RefundedOutside,
            Reason::PaidBackInPart,
            Reason::PaidTwice,
        ];
        let case = |reason: &str| Case {
            number: "202601010001".into(),
            at: EIGHT,
            reason: reason.to_owned(),
            amount_fen: 2_000,
            origin: None,
            stays: false,
            forgotten: None,
        };
        for reason in called {
            assert!(listed(&[case(reason.as_str())]).contains('：'), "{reason:?}");
        }
        assert!(listed(&[case("unknown_order")]).contains("202601010001  20.00 元  收到一笔付款"));
        for reason in [
            "forgotten_order",
            "forgotten_returning",
            "ended_order",
            "notice_unreadable",
            "notice_other_merchant",
            "notice_other_app",
        ] {
            assert!(listed(&[case(reason)]).contains('：'), "{reason}");
        }
        assert!(listed(&[]).contains("没有要人工核对的订单"));
    }

    #[test]
    fn a_form_is_told_with_where_it_stood_and_what_it_holds() {
        let of = crate::store::CustomerRef { account: "demo".into(), openid: "o1".into() };
        let history = vec![(EIGHT, Standing::Placed), (EIGHT.plus_secs(60), Standing::Unknown)];
        let hold =
            crate::domain::actions::FormHold { pool: "sim".into(), by: "x".into(), item: "170".into(), until: EIGHT };
        let form = HandedIn {
            number: "2026".into(),
            of,
            action: "apply_card".into(),
            history,
            hold: Some(hold),
            is_kept: true,
            case: Some("form_unknown".into()),
        };
        let told = told_form(&form);
        for part in
            ["2026  表单 form apply_card", "state：没有明确答复", "decide done 或 undone", "sim  170", "08:01:00"]
        {
            assert!(told.contains(part), "{part}: {told}");
        }
        assert_eq!(told.matches("history").count(), 2);
        assert!(!told.contains("o1"), "not whose");
        let over =
            HandedIn { is_kept: false, hold: None, case: None, history: vec![(EIGHT, Standing::Ticket)], ..form };
        assert!(told_form(&over).contains("不记着") && told_form(&over).contains("ticket"));
    }

    #[test]
    fn an_order_is_told_with_its_money() {
        let order = wechat_order("202601010001", &[Happening::Agreed, payable(), paid(1_999)]);
        let told = told(&order);
        assert!(told.contains("要人工核对") && told.contains("付款金额和订单不一致"), "{told}");
        assert!(told.contains("付款 paid：19.99 元") && told.contains("4200"), "{told}");
    }
}
