//! The floors: what actix-web costs alone, and what the platform's signatures, encryption and XML add.

use std::io::{Read as _, Write as _};
use std::process::Command;

use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data, post, resource};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use fuwu::channel::official::{Account, Query, open, seal};
use fuwu::domain::recent::Earned;
use fuwu::domain::reply::Reply;
use serde::{Deserialize, Serialize};

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
    /// The whole.
    Fuwu,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Fixed => "fixed bytes",
            Self::Crypto => "with crypto",
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
                };
                App::new().app_data(state.clone()).service(resource("/wechat/{account}").route(route))
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

async fn crypto(state: Data<(Account, Floor)>, request: HttpRequest, body: Bytes) -> HttpResponse {
    let (account, floor) = state.get_ref();
    let opened = Query::parse(request.query_string()).and_then(|query| open(account, &query, &body));
    let Ok(opened) = opened else { return HttpResponse::new(StatusCode::FORBIDDEN) };
    let Ok(inbound) = opened.delivery else { return HttpResponse::new(StatusCode::BAD_REQUEST) };
    let earned = Earned { reply: floor.reply.clone(), at: inbound.at };
    HttpResponse::Ok().content_type("text/xml; charset=utf-8").body(seal(account, &opened.reply_to, &earned))
}
