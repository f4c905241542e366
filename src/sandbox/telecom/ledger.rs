//! Who has what, and what an order changes: `fixtures/telecom/README.md` as a pure state machine.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, Days, FixedOffset, Months, NaiveDate};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::codes::Codes;
use super::history::{bills, by_day};

/// What the fixtures say: what everybody has before the first order, and what can be ordered.
#[derive(Debug)]
pub struct Ledger {
    profiles: Vec<Profile>,
    products: Vec<Product>,
}

/// What orders changed. Saved with the sandbox, so that after a restart nobody gets their money back and no order is
/// charged anew.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Books {
    bought: BTreeMap<String, Bought>,
    orders: BTreeMap<String, Kept>,
    /// One-time codes and whose numbers they showed.
    #[serde(default)]
    pub(super) codes: Codes,
}

/// All that one customer bought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Bought {
    fen: i64,
    kib: i64,
    /// Paid in, to talk for.
    #[serde(default)]
    credit_fen: i64,
    /// Points spent.
    #[serde(default)]
    points: i64,
}

#[derive(Clone, Debug, Deserialize)]
struct Profile {
    plan: Plan,
    data_used_kib: i64,
    voice_used_min: i64,
    balance_fen: i64,
    month_charge_fen: i64,
    points: i64,
    points_expiring: i64,
    #[serde(skip)]
    packs_kib: i64,
}

#[derive(Clone, Debug, Deserialize)]
struct Plan {
    name: String,
    fee_fen: i64,
    data_total_kib: i64,
    voice_total_min: i64,
}

#[derive(Clone, Debug, Deserialize)]
struct Product {
    code: String,
    name: String,
    amount_fen: i64,
    data_kib: i64,
    valid: Valid,
    #[serde(default)]
    answer_after_ms: u64,
    /// It was paid for elsewhere, and is money to talk for: nothing is charged.
    #[serde(default)]
    credit: bool,
    /// It was paid for elsewhere, and is sent by post: nothing is charged.
    #[serde(default)]
    goods: bool,
    /// What it costs in points, and then nothing else.
    #[serde(default)]
    points: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Valid {
    Day,
    Month,
}

/// An order as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// The caller's key.
    pub key: String,
    /// Who pays.
    pub openid: String,
    /// Which product.
    pub code: String,
    /// At which price.
    pub amount_fen: i64,
    /// And for how many points.
    #[serde(default)]
    pub points: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    order: Order,
    answer: String,
    /// When it came, in Unix seconds; 0 for those of before it was kept.
    #[serde(default)]
    at: i64,
}

/// What is answered to an order, and how much later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The body, the same bytes for every repetition.
    pub answer: String,
    /// Milliseconds the first answer takes.
    pub after_ms: u64,
}

/// A question about a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// The plan.
    Plan,
    /// Data left.
    Data,
    /// Balance.
    Balance,
    /// Points.
    Points,
    /// The bills of the last six months.
    Bills,
    /// The latest orders.
    Orders,
}

#[derive(Deserialize)]
struct Customers {
    profiles: Vec<Profile>,
}

#[derive(Deserialize)]
struct Catalog {
    products: Vec<Product>,
}

impl Ledger {
    /// Reads the demo's fixtures.
    pub fn read(customers: &str, catalog: &str) -> Result<Self, serde_json::Error> {
        let Customers { profiles } = serde_json::from_str(customers)?;
        let Catalog { products } = serde_json::from_str(catalog)?;
        Ok(Self { profiles, products })
    }

    /// Answers a question at `now` (Unix seconds).
    pub fn ask(&self, books: &Books, (openid, question): (&str, Question), now: i64) -> Value {
        let today = day_of(now);
        let c = self.customer(books, openid);
        match question {
            Question::Plan => json!({
                "code": "0",
                "plan": {
                    "name": c.plan.name,
                    "fee_fen": c.plan.fee_fen,
                    "data_total_kib": c.plan.data_total_kib,
                    "voice_total_min": c.plan.voice_total_min,
                    "voice_left_min": (c.plan.voice_total_min - c.voice_used_min).max(0),
                },
                "cycle_end": month_end(today).to_string(),
            }),
            Question::Data => json!({
                "code": "0",
                "data": { "total_kib": c.total_kib(), "used_kib": c.data_used_kib, "left_kib": c.left_kib() },
                "days": by_day((openid, c.data_used_kib), today),
                "cycle_end": month_end(today).to_string(),
            }),
            Question::Bills => json!({ "code": "0", "bills": bills((openid, c.plan.fee_fen), today) }),
            Question::Orders => json!({ "code": "0", "orders": self.orders(books, openid) }),
            Question::Balance => json!({
                "code": "0",
                "balance": { "balance_fen": c.balance_fen, "charge_fen": c.month_charge_fen },
                "month": today.format("%Y-%m").to_string(),
            }),
            Question::Points => json!({
                "code": "0",
                "points": { "points": c.points, "expiring": c.points_expiring },
                "expires_on": format!("{}-12-31", today.year()),
            }),
        }
    }

    /// What was answered to an order, for whoever did not hear it.
    pub fn standing(&self, books: &Books, key: &str) -> String {
        books.orders.get(key).map_or_else(|| refusal("NO_SUCH_ORDER", key), |kept| kept.answer.clone())
    }

    /// What was done on a day written `YYYY-MM-DD`, a page of it, counted from 1.
    pub fn day_book(&self, books: &Books, (day, page): (&str, usize)) -> Value {
        const ON_A_PAGE: usize = 31;
        let is_done = |kept: &&Kept| kept.answer.contains("\"code\":\"0\"");
        let of_day = books.orders.values().filter(|kept| day_of(kept.at).to_string() == day).filter(is_done);
        let shown = of_day.skip(page.saturating_sub(1).saturating_mul(ON_A_PAGE)).take(ON_A_PAGE);
        let line = |kept: &Kept| json!({ "order": kept.order.key, "amount_fen": kept.order.amount_fen });
        json!({ "code": "0", "orders": shown.map(line).collect::<Vec<_>>() })
    }

    /// The latest ten orders of a customer, newest first.
    fn orders(&self, books: &Books, openid: &str) -> Vec<Value> {
        let mut orders: Vec<&Kept> = books.orders.values().filter(|kept| kept.order.openid == openid).collect();
        orders.sort_by_key(|kept| std::cmp::Reverse((kept.at, &kept.order.key)));
        let product = |code: &str| self.products.iter().find(|product| product.code == code);
        let shown = orders.into_iter().take(10).map(|kept| {
            let answer: Value = serde_json::from_str(&kept.answer).unwrap_or_default();
            let is_done = answer.get("code").and_then(Value::as_str) == Some("0");
            json!({
                "order": kept.order.key,
                "name": product(&kept.order.code).map_or(kept.order.code.as_str(), |product| product.name.as_str()),
                "amount_fen": kept.order.amount_fen,
                "day": day_of(kept.at).to_string(),
                "state": if is_done { "已办好" } else { "未办成" },
            })
        });
        shown.collect()
    }

    /// Takes an order once: the same key gets the same answer and is charged once.
    pub fn order(&self, books: &mut Books, order: Order, now: i64) -> Outcome {
        if let Some(kept) = books.orders.get(&order.key) {
            let answer = if kept.order == order { kept.answer.clone() } else { refusal("KEY_REUSED", &order.key) };
            return Outcome { answer, after_ms: 0 };
        }
        let product = self.products.iter().find(|p| p.code == order.code);
        let outcome = match product {
            None => Outcome { answer: refusal("UNKNOWN_PRODUCT", &order.key), after_ms: 0 },
            Some(product) => self.charge(books, (product, &order), now),
        };
        books.orders.insert(order.key.clone(), Kept { order, answer: outcome.answer.clone(), at: now });
        outcome
    }

    fn charge(&self, books: &mut Books, (product, order): (&Product, &Order), now: i64) -> Outcome {
        let after_ms = product.answer_after_ms;
        let refused = |code: &str| Outcome { answer: refusal(code, &order.key), after_ms };
        if (order.amount_fen, order.points) != (product.amount_fen, product.points) {
            return refused("PRICE_CHANGED");
        }
        let today = day_of(now);
        let before = self.customer(books, &order.openid);
        if before.points < product.points {
            return refused("INSUFFICIENT_POINTS");
        }
        let is_paid_elsewhere = product.credit || product.goods;
        if !is_paid_elsewhere && before.balance_fen < product.amount_fen {
            return refused("INSUFFICIENT_BALANCE");
        }
        let bought = books.bought.entry(order.openid.clone()).or_default();
        if product.credit {
            bought.credit_fen += product.amount_fen;
        } else if !product.goods {
            bought.fen += product.amount_fen;
        }
        bought.kib += product.data_kib;
        bought.points += product.points;
        let c = self.customer(books, &order.openid);
        let valid_until = if product.valid == Valid::Day { today } else { month_end(today) };
        let answer = json!({
            "code": "0",
            "order": order.key,
            "product": product.name,
            "amount_fen": product.amount_fen,
            "balance_fen": c.balance_fen,
            "data_total_kib": c.total_kib(),
            "data_left_kib": c.left_kib(),
            "valid_until": valid_until.to_string(),
            "points_left": c.points,
            "sent_on": today.succ_opt().unwrap_or(today).to_string(),
        });
        Outcome { answer: answer.to_string(), after_ms }
    }

    /// The profile that the openid chooses, after what was bought.
    fn customer(&self, books: &Books, openid: &str) -> Profile {
        let digest = Sha256::digest(openid.as_bytes());
        let number = digest.iter().take(4).fold(0_usize, |n, byte| (n << 8) | usize::from(*byte));
        let chosen = number.checked_rem(self.profiles.len()).and_then(|i| self.profiles.get(i));
        let mut profile = chosen.cloned().unwrap_or_else(Profile::nobody);
        let Bought { fen, kib, credit_fen, points } = books.bought.get(openid).copied().unwrap_or_default();
        profile.points -= points;
        profile.points_expiring = profile.points_expiring.min(profile.points);
        profile.balance_fen += credit_fen - fen;
        profile.month_charge_fen += fen;
        profile.packs_kib = kib;
        profile
    }
}

impl Profile {
    fn total_kib(&self) -> i64 {
        self.plan.data_total_kib + self.packs_kib
    }

    fn left_kib(&self) -> i64 {
        self.total_kib() - self.data_used_kib
    }

    /// Stands in when the fixture lists no profile.
    fn nobody() -> Self {
        let plan = Plan { name: "无套餐".to_owned(), fee_fen: 0, data_total_kib: 0, voice_total_min: 0 };
        Self {
            plan,
            data_used_kib: 0,
            voice_used_min: 0,
            balance_fen: 0,
            month_charge_fen: 0,
            points: 0,
            points_expiring: 0,
            packs_kib: 0,
        }
    }
}

fn refusal(code: &str, key: &str) -> String {
    let message = match code {
        "INSUFFICIENT_BALANCE" => "话费余额不足",
        "INSUFFICIENT_POINTS" => "积分不足",
        "UNKNOWN_PRODUCT" => "没有这个产品",
        "PRICE_CHANGED" => "价格已变动",
        "NO_SUCH_ORDER" => "没有这笔订单",
        _ => "订单号已用于另一笔订单",
    };
    json!({ "code": code, "message": message, "order": key }).to_string()
}

fn day_of(now: i64) -> NaiveDate {
    let china = FixedOffset::east_opt(8 * 3600);
    let time = DateTime::from_timestamp(now, 0).unwrap_or_default();
    china.map_or_else(|| time.date_naive(), |zone| time.with_timezone(&zone).date_naive())
}

fn month_end(day: NaiveDate) -> NaiveDate {
    let first = day.with_day(1).unwrap_or(day);
    first.checked_add_months(Months::new(1)).and_then(|next| next.checked_sub_days(Days::new(1))).unwrap_or(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_768_000_000; // 2026-01-10 in China

    fn ledger() -> Ledger {
        Ledger::read(
            include_str!("../../../fixtures/telecom/customers.json"),
            include_str!("../../../fixtures/telecom/catalog.json"),
        )
        .unwrap()
    }

    fn order(key: &str, code: &str, amount_fen: i64) -> Order {
        Order { key: key.into(), openid: "o1".into(), code: code.into(), amount_fen, points: 0 }
    }

    fn number((ledger, books): (&Ledger, &Books), question: Question, path: &str) -> i64 {
        ledger.ask(books, ("o1", question), NOW).pointer(path).and_then(Value::as_i64).unwrap()
    }

    #[test]
    fn an_order_is_charged_once_and_answered_alike_for_ever() {
        let (ledger, mut books) = (ledger(), Books::default());
        let before = number((&ledger, &books), Question::Balance, "/balance/balance_fen");
        let left = number((&ledger, &books), Question::Data, "/data/left_kib");
        let first = ledger.order(&mut books, order("K", "SLOW", 100), NOW);
        assert_eq!(first.after_ms, 6000);
        let again = ledger.order(&mut books, order("K", "SLOW", 100), NOW + 86_400);
        assert_eq!((again.answer == first.answer, again.after_ms), (true, 0));
        assert_eq!(number((&ledger, &books), Question::Balance, "/balance/balance_fen"), before - 100);
        assert_eq!(number((&ledger, &books), Question::Data, "/data/left_kib"), left + 102_400);
        let answer: Value = serde_json::from_str(&first.answer).unwrap();
        assert_eq!(answer["valid_until"], "2026-01-10");
    }

    #[test]
    fn refusals_charge_nothing_and_are_kept_too() {
        let (ledger, mut books) = (ledger(), Books::default());
        let before = number((&ledger, &books), Question::Balance, "/balance/balance_fen");
        let code = |outcome: Outcome| serde_json::from_str::<Value>(&outcome.answer).unwrap()["code"].clone();
        assert_eq!(code(ledger.order(&mut books, order("a", "NONE", 1), NOW)), "UNKNOWN_PRODUCT");
        assert_eq!(code(ledger.order(&mut books, order("b", "D1G", 1), NOW)), "PRICE_CHANGED");
        assert_eq!(code(ledger.order(&mut books, order("b", "D1G", 500), NOW)), "KEY_REUSED");
        assert_eq!(code(ledger.order(&mut books, order("b", "D1G", 1), NOW)), "PRICE_CHANGED");
        assert_eq!(number((&ledger, &books), Question::Balance, "/balance/balance_fen"), before);
    }

    #[test]
    fn money_runs_out() {
        let (ledger, mut books) = (ledger(), Books::default());
        let answers: Vec<String> =
            (0..60).map(|n| ledger.order(&mut books, order(&n.to_string(), "D1G", 500), NOW).answer).collect();
        assert!(answers.iter().any(|a| a.contains("INSUFFICIENT_BALANCE")));
        assert!(number((&ledger, &books), Question::Balance, "/balance/balance_fen") >= 0);
    }

    #[test]
    fn points_run_out_like_money_and_what_was_paid_elsewhere_costs_nothing_here() {
        let (ledger, mut books) = (ledger(), Books::default());
        let code = |outcome: &Outcome| serde_json::from_str::<Value>(&outcome.answer).unwrap()["code"].clone();
        let fen = number((&ledger, &books), Question::Balance, "/balance/balance_fen");
        let points = number((&ledger, &books), Question::Points, "/points/points");
        let redeem = |key: &str, points| Order { points, ..order(key, "R1G", 0) };
        let times = points / 500;
        for key in 0..times {
            assert_eq!(code(&ledger.order(&mut books, redeem(&key.to_string(), 500), NOW)), "0");
        }
        assert_eq!(number((&ledger, &books), Question::Points, "/points/points"), points - times * 500);
        assert_eq!(code(&ledger.order(&mut books, redeem("more", 500), NOW)), "INSUFFICIENT_POINTS");
        assert_eq!(code(&ledger.order(&mut books, redeem("cheap", 5), NOW)), "PRICE_CHANGED");
        let sent = ledger.order(&mut books, order("phone", "PHONE-A", 129_900), NOW);
        assert!(code(&sent) == "0" && sent.answer.contains("\"sent_on\":\"2026-01-11\""), "{}", sent.answer);
        assert_eq!(number((&ledger, &books), Question::Balance, "/balance/balance_fen"), fen);
    }

    #[test]
    fn the_openid_chooses_the_profile() {
        let (ledger, books) = (ledger(), Books::default());
        let digest = Sha256::digest(b"o1");
        let number = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]) as usize;
        let expected = ledger.profiles[number % ledger.profiles.len()].plan.name.clone();
        assert_eq!(ledger.ask(&books, ("o1", Question::Plan), NOW)["plan"]["name"], expected);
    }

    #[test]
    fn a_month_ends_on_its_last_day() {
        let end = |y, m, d| month_end(NaiveDate::from_ymd_opt(y, m, d).unwrap()).to_string();
        assert_eq!(
            (end(2026, 1, 31), end(2024, 2, 1), end(2026, 12, 5)),
            ("2026-01-31".into(), "2024-02-29".into(), "2026-12-31".into())
        );
        assert_eq!(day_of(1_767_196_800).to_string(), "2026-01-01");
    }
}
