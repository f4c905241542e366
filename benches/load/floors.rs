//! The floors: what actix-web costs alone, and what the platform's signatures, encryption and XML add.

use std::io::{Read as _, Write as _};
use std::process::Command;

use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data, post, resource};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use fuwu::channel::official::{Account, Query, open, seal};
use fuwu::domain::recent::Earned;
use fuwu::domain::reply::Reply;
use redis::aio::MultiplexedConnection;
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;

use super::command_line::Again;
use super::deliveries::account;
use super::servers::Under;

/// Where a floor finds what it shall be.
const FLOOR: &str = "FUWU_LOAD_FLOOR";

/// A server under load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A floor: fixed bytes.
    Fixed,
    /// A floor: verified, decrypted and read; a fixed reply rendered, encrypted and signed.
    Crypto,
    /// A floor: the same, and one script on the Redis that fuwu stores on, written by hand for this and nothing else.
    Script,
    /// The whole.
    Fuwu,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Fixed => "fixed bytes",
            Self::Crypto => "with crypto",
            Self::Script => "with one script",
            Self::Fuwu => "fuwu",
        }
    }
}

/// A floor, with the answer that fuwu gave.
#[derive(Clone, Serialize, Deserialize)]
pub struct Floor {
    pub kind: Kind,
    pub reply: Reply,
    /// The reply as it was sealed.
    pub body: String,
    /// Where the script runs.
    pub store: Option<String>,
}

impl Floor {
    /// The command that runs this floor.
    pub fn command(&self, under: &Under, again: Again) -> anyhow::Result<Command> {
        let mut command = under.wrap(&again()?);
        command.env(FLOOR, serde_json::to_string(self)?);
        Ok(command)
    }

    /// What this program shall be, if it is to be a floor.
    pub fn asked_for() -> anyhow::Result<Option<Self>> {
        Ok(std::env::var(FLOOR).ok().map(|floor| serde_json::from_str(&floor)).transpose()?)
    }

    /// Serves on a port that the system chooses, until standard input is closed.
    pub fn serve(self) -> anyhow::Result<()> {
        std::thread::spawn(|| {
            // Whoever started us holds the other end; if it dies, nobody needs us.
            let _ = std::io::stdin().read_to_end(&mut Vec::new());
            std::process::exit(0);
        });
        let state = Data::new((account()?, self));
        actix_web::rt::System::new().block_on(async move {
            let server = HttpServer::new(move || {
                let route = match state.1.kind {
                    Kind::Fixed => post().to(fixed),
                    Kind::Crypto | Kind::Fuwu => post().to(crypto),
                    Kind::Script => post().to(script),
                };
                let redis = Data::new(OnceCell::<MultiplexedConnection>::new());
                App::new().app_data(state.clone()).app_data(redis).service(resource("/wechat/{account}").route(route))
            });
            let server = server.workers(1).disable_signals().bind("127.0.0.1:0")?;
            for address in server.addrs() {
                writeln!(std::io::stdout(), "http://{address}/")?;
            }
            Ok(server.run().await?)
        })
    }
}

async fn fixed(state: Data<(Account, Floor)>, _body: Bytes) -> HttpResponse {
    HttpResponse::Ok().content_type("text/xml; charset=utf-8").body(state.1.body.clone())
}

/// What one message costs at least there: known or not, a record, six counters, a fact.
const SCRIPT: &str = r"
local kept = redis.call('GET', KEYS[1])
if kept and string.sub(kept, 1, #ARGV[1]) == ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1] .. ARGV[2])
for n = 1, 6 do redis.call('HINCRBY', KEYS[2], n, 1) end
local seq = redis.call('INCR', KEYS[3])
redis.call('HSET', KEYS[3] .. math.floor(seq / 64), seq % 64, ARGV[3])
return 1";
/// Bytes of a record and of a fact, about as many as fuwu's.
const RECORD_BYTES: usize = 400;
const FACT_BYTES: usize = 90;
const PARTITIONS: u64 = 64;

type Redis = Data<OnceCell<MultiplexedConnection>>;

async fn script(state: Data<(Account, Floor)>, redis: Redis, request: HttpRequest, body: Bytes) -> HttpResponse {
    let (account, floor) = state.get_ref();
    let opened = Query::parse(request.query_string()).and_then(|query| open(account, &query, &body));
    let Ok(opened) = opened else { return HttpResponse::new(StatusCode::FORBIDDEN) };
    let Ok(inbound) = opened.delivery else { return HttpResponse::new(StatusCode::BAD_REQUEST) };
    let openid = inbound.openid.as_str();
    let home = openid.bytes().fold(0_u64, |sum, byte| sum.wrapping_mul(31) + u64::from(byte)) % PARTITIONS;
    let key = |what: &str| format!("{{floor-{home}}}:{what}");
    let connect = async || {
        let url = floor.store.as_deref().ok_or((redis::ErrorKind::Client, "no URL"))?;
        redis::Client::open(url)?.get_multiplexed_async_connection().await
    };
    let Ok(connection) = redis.get_or_try_init(connect).await else {
        return HttpResponse::new(StatusCode::BAD_GATEWAY);
    };
    let done: redis::RedisResult<i64> = redis::Script::new(SCRIPT)
        .key(key(openid))
        .key(key("counters"))
        .key(key("log"))
        .arg(inbound.key.0.to_be_bytes().as_slice())
        .arg([b'r'; RECORD_BYTES].as_slice())
        .arg([b'f'; FACT_BYTES].as_slice())
        .invoke_async(&mut connection.clone())
        .await;
    if done.is_err() {
        return HttpResponse::new(StatusCode::BAD_GATEWAY);
    }
    let earned = Earned { reply: floor.reply.clone(), at: inbound.at };
    HttpResponse::Ok().content_type("text/xml; charset=utf-8").body(seal(account, &opened.reply_to, &earned))
}

async fn crypto(state: Data<(Account, Floor)>, request: HttpRequest, body: Bytes) -> HttpResponse {
    let (account, floor) = state.get_ref();
    let opened = Query::parse(request.query_string()).and_then(|query| open(account, &query, &body));
    let Ok(opened) = opened else { return HttpResponse::new(StatusCode::FORBIDDEN) };
    let Ok(inbound) = opened.delivery else { return HttpResponse::new(StatusCode::BAD_REQUEST) };
    let earned = Earned { reply: floor.reply.clone(), at: inbound.at };
    HttpResponse::Ok().content_type("text/xml; charset=utf-8").body(seal(account, &opened.reply_to, &earned))
}
