//! What each call of the payment platform's API does.

use serde_json::{Value, json};
use sha1::{Digest as _, Sha1};

use super::model::{Books, Fault, Number, Order, take};
use super::platform::Pay;

/// A call that is verified.
pub struct Asked<'a> {
    /// `GET` or `POST`.
    pub method: &'a str,
    /// Path and query.
    pub target: &'a str,
    /// Where we are reached.
    pub origin: &'a str,
    /// The body.
    pub body: &'a [u8],
}

/// What a call answers with.
pub enum Answer {
    /// JSON.
    Json(Value),
    /// 204.
    Nothing,
    /// A bill.
    File(String),
}

/// A segment of a path as it was meant.
fn decoded(segment: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = segment.as_bytes();
    while let [first, more @ ..] = rest {
        let hex = more.get(..2).and_then(|two| std::str::from_utf8(two).ok()).filter(|_| *first == b'%');
        match hex.and_then(|two| u8::from_str_radix(two, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = more.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = more;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Makes a call.
///
/// # Errors
/// [`Fault`].
pub fn call(pay: &Pay, asked: &Asked<'_>) -> Result<Answer, Fault> {
    let (path, query) = asked.target.split_once('?').unwrap_or((asked.target, ""));
    let (base, path) = path.split_once("/v3/").ok_or(Fault::missing())?;
    let segments: Vec<String> = path.split('/').map(decoded).collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let parameter = |name: &str| {
        let mut pairs = url::form_urlencoded::parse(query.as_bytes());
        pairs.find(|(own, _)| own == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
    };
    let (mchid, now) = (pay.keys().map_err(|_| Fault::system())?.mchid.clone(), pay.now());
    let merchant = (mchid.as_str(), pay.spec().app_id.as_str());
    let is_ours =
        |given: &str| if given == mchid { Ok(()) } else { Err(Fault::parameter("mchid 不是签名的商户")) };
    match (asked.method, segments.as_slice()) {
        ("GET", ["certificates"]) => {
            Ok(Answer::Json(pay.keys().map_err(|_| Fault::system())?.listed(now).map_err(|_| Fault::system())?))
        }
        ("POST", ["pay", "transactions", "jsapi"]) => {
            let request = json_of(asked.body)?;
            let prepay_id = pay.change(|books| books.prepay(merchant, &request, now))?;
            Ok(Answer::Json(json!({ "prepay_id": prepay_id })))
        }
        ("GET", ["pay", "transactions", ..]) if take(&mut pay.switches().unknown_orders) => Err(Fault::no_order()),
        ("GET", ["refund", ..]) if take(&mut pay.switches().refused_questions) => Err(Fault::no_right()),
        ("GET", ["pay", "transactions", kind @ ("out-trade-no" | "id"), number]) => {
            is_ours(&parameter("mchid"))?;
            let number = if *kind == "id" { Number::Theirs(number) } else { Number::Ours(number) };
            let mut told = pay.change(|books| books.order(number, now).map(Order::told))?;
            if let Some(fields) = told.as_object_mut() {
                fields.extend([("mchid".to_owned(), json!(merchant.0)), ("appid".to_owned(), json!(merchant.1))]);
            }
            Ok(Answer::Json(told))
        }
        ("POST", ["pay", "transactions", "out-trade-no", number, "close"]) => {
            is_ours(json_of(asked.body)?.get("mchid").and_then(Value::as_str).unwrap_or_default())?;
            pay.change(|books| books.close(number, now)).map(|()| Answer::Nothing)
        }
        ("POST", ["refund", "domestic", "refunds"]) => {
            let request = json_of(asked.body)?;
            let end = {
                let switches = pay.switches();
                (switches.refund_secs, switches.refund_outcome)
            };
            pay.change(|books| books.refund(&request, end, now)).map(|refund| Answer::Json(refund.answered()))
        }
        ("GET", ["refund", "domestic", "refunds", number]) => {
            pay.change(|books| books.refund_of(number, now).map(|refund| Answer::Json(refund.answered())))
        }
        ("GET", ["bill", kind @ ("tradebill" | "fundflowbill")]) => {
            let date = parameter("bill_date");
            let hash: String =
                Sha1::digest(bill(pay, (kind, &date), merchant)?).iter().map(|byte| format!("{byte:02x}")).collect();
            let url = format!("{}{base}/v3/billdownload/file?token={kind}_{date}", asked.origin);
            Ok(Answer::Json(json!({ "hash_type": "SHA1", "hash_value": hash, "download_url": url })))
        }
        ("GET", ["billdownload", "file"]) => {
            let token = parameter("token");
            let (kind, date) = token.split_once('_').ok_or(Fault::missing())?;
            bill(pay, (kind, date), merchant).map(Answer::File)
        }
        _ => Err(Fault::missing()),
    }
}

fn bill(pay: &Pay, (kind, date): (&str, &str), merchant: (&str, &str)) -> Result<String, Fault> {
    let (now, twist) = (pay.now(), pay.switches().twisted_bills);
    let of = |books: &mut Books| match kind {
        "tradebill" => books.trade_bill(merchant, date, now),
        "fundflowbill" => books.fund_bill(date, now),
        _ => Err(Fault::missing()),
    };
    match twist {
        None => pay.change(of),
        Some(twist) => pay.look(|books| books.twisted(twist)).as_mut().map_or(Err(Fault::no_bill()), of),
    }
}

fn json_of(body: &[u8]) -> Result<Value, Fault> {
    serde_json::from_slice(body).map_err(|_| Fault::parameter("请求体不是 JSON"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_is_read_as_it_was_meant() {
        assert_eq!(decoded("a%7Cb%2Ac"), "a|b*c");
        assert_eq!(decoded("%zz%4"), "%zz%4");
        assert_eq!(decoded("%E6%B5%81"), "流");
    }
}
