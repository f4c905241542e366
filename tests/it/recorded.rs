//! Recorded deliveries, made up: a population with its habits, in the order of arrival.

use std::io::{BufWriter, Write};
use std::path::Path;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use crate::hand::message_at;

/// 2026-01-05 00:00 +08:00, a Monday.
const START: i64 = 1_767_542_400;
const DAY: i64 = 86_400;

const TEXTS: [&str; 12] = [
    "查话费",
    "我的流量还剩多少？",
    "你好",
    "在吗",
    "谢谢",
    "网速太慢了，晚上视频总是卡",
    "有什么优惠套餐",
    "怎么办宽带",
    "今天天气真好",
    "签到",
    "人工客服",
    "１０４",
];
const KEYS: [&str; 8] =
    ["query_data", "query_balance", "query_plan", "buy_data", "offers", "sign_in", "topic", "save_data"];

/// A made-up population.
pub struct Population {
    pub customers: usize,
    pub days: i64,
    pub deliveries: usize,
    pub seed: u64,
}

/// One recorded delivery.
pub struct Recorded {
    /// Its arrival.
    pub at: i64,
    pub xml: String,
}

impl Recorded {
    pub fn line(&self) -> String {
        serde_json::json!({ "at": self.at, "account": "demo", "xml": self.xml }).to_string()
    }
}

impl Population {
    /// Follows, texts, taps, unfollows; two of a hundred delivered twice, two of a hundred a day or more late.
    pub fn deliver(&self, mut to: impl FnMut(Recorded)) {
        let mut rng = StdRng::seed_from_u64(self.seed);
        let mut follows = vec![false; self.customers];
        let mut late: Vec<Recorded> = Vec::new();
        let mut id = 0_u64;
        let of_a_day = self.deliveries / usize::try_from(self.days).unwrap();
        for day in 0..self.days {
            let mut today: Vec<Recorded> = Vec::with_capacity(of_a_day + late.len());
            let end_of_day = START + (day + 1) * DAY;
            today.extend(late.extract_if(.., |delivery| delivery.at < end_of_day));
            while today.len() < of_a_day {
                id += 1;
                // Some come every day, most now and then.
                let limit = if rng.random_bool(0.6) { self.customers.div_ceil(8) } else { self.customers };
                let customer = rng.random_range(0..limit);
                let at = START + day * DAY + rng.random_range(0..DAY);
                let xml = self.one(&mut rng, (customer, at, id), &mut follows[customer]);
                match rng.random_range(0..100) {
                    0..2 => today.push(Recorded { at: at + 5, xml: xml.clone() }),
                    2..4 => {
                        late.push(Recorded { at: at + rng.random_range(DAY..7 * DAY / 2), xml });
                        continue;
                    }
                    _ => {}
                }
                today.push(Recorded { at, xml });
            }
            today.sort_by_key(|delivery| delivery.at);
            today.into_iter().for_each(&mut to);
        }
    }

    fn one(&self, rng: &mut StdRng, (customer, at, id): (usize, i64, u64), follows: &mut bool) -> String {
        let openid = format!("oRecorded{:04}_{customer:08}", self.seed);
        let event = |name: &str, key: &str| {
            format!(
                "<MsgType><![CDATA[event]]></MsgType><Event><![CDATA[{name}]]></Event>\
                 <EventKey><![CDATA[{key}]]></EventKey>"
            )
        };
        let rest = match rng.random_range(0..100) {
            _ if !*follows => {
                *follows = true;
                event("subscribe", if customer.is_multiple_of(3) { "qrscene_store:nanjing" } else { "" })
            }
            0..2 => {
                *follows = false;
                event("unsubscribe", "")
            }
            2..50 => event("CLICK", KEYS.choose(rng).unwrap()),
            50..55 => event("VIEW", "https://example.com/offers?from=menu"),
            _ => {
                let text = TEXTS.choose(rng).unwrap();
                format!("<MsgType><![CDATA[text]]></MsgType><Content><![CDATA[{text}]]></Content><MsgId>{id}</MsgId>")
            }
        };
        message_at(at, &openid, &rest)
    }

    /// Writes a replay file.
    pub fn write(&self, path: &Path) {
        let mut file = BufWriter::new(std::fs::File::create(path).unwrap());
        self.deliver(|delivery| writeln!(file, "{}", delivery.line()).unwrap());
        file.flush().unwrap();
    }
}
