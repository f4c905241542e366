//! Sentinels: they watch the servers, and name the one that is the master now.

use futures_util::future::join_all;
use redis::aio::MultiplexedConnection;
use std::collections::HashMap;
use tokio::sync::Mutex;

use super::dial::{asked, connect};
use super::fault::Fault;
use super::place::{Addr, Login};

/// The sentinels of a URL.
pub(super) struct Sentinels {
    master: String,
    login: Login,
    seats: Vec<Seat>,
}

struct Seat {
    addr: Addr,
    connection: Mutex<Option<MultiplexedConnection>>,
}

/// Whom a sentinel calls the master, and how new that is.
struct Named {
    addr: Addr,
    epoch: u64,
}

impl Sentinels {
    pub(super) fn new(master: String, login: Login, addrs: Vec<Addr>) -> Self {
        let seats = addrs.into_iter().map(|addr| Seat { addr, connection: Mutex::default() }).collect();
        Self { master, login, seats }
    }

    /// The name they know the servers by.
    pub(super) fn master(&self) -> &str {
        &self.master
    }

    /// Who is the master. A sentinel that was cut off names an old one, so the newest word counts.
    pub(super) async fn ask(&self) -> Result<Addr, Fault> {
        let answers = join_all(self.seats.iter().map(|seat| self.named_by(seat))).await;
        let mut faults = Vec::new();
        let mut newest: Option<Named> = None;
        for answer in answers {
            match answer {
                Ok(named) if newest.as_ref().is_none_or(|newest| named.epoch > newest.epoch) => newest = Some(named),
                Ok(_) => {}
                Err(fault) => faults.push(fault),
            }
        }
        if let Some(named) = newest {
            return Ok(named.addr);
        }
        let is_unknown = faults.iter().all(|fault| matches!(fault, Fault::Unfit(_)));
        let told = faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        Err(if is_unknown { Fault::Unfit(told) } else { Fault::Away(format!("no sentinel names a master: {told}")) })
    }

    /// The replicas that can be reached by a name, as far as a sentinel tells.
    pub(super) async fn replicas(&self) -> Vec<Addr> {
        for seat in &self.seats {
            let mut ask = redis::cmd("SENTINEL");
            ask.arg("REPLICAS").arg(&self.master);
            if let Ok(replicas) = self.asked::<Vec<HashMap<String, String>>>(seat, &ask).await {
                return replicas.iter().filter_map(addr_in).collect();
            }
        }
        Vec::new()
    }

    async fn named_by(&self, seat: &Seat) -> Result<Named, Fault> {
        let mut ask = redis::cmd("SENTINEL");
        ask.arg("MASTER").arg(&self.master);
        let answer = self.asked::<HashMap<String, String>>(seat, &ask).await;
        let told = answer.map_err(|fault| match fault {
            Fault::Refused(error) if error.to_string().contains("No such master") => Fault::Unfit(format!(
                "the sentinel {} knows no master called {}; set ?master= in store.url to the name in its `sentinel \
                 monitor` line",
                seat.addr, self.master
            )),
            Fault::Refused(error) if error.to_string().contains("unknown command") => {
                Fault::Unfit(format!("{} is no sentinel; name sentinels (port 26379) in store.url", seat.addr))
            }
            Fault::Refused(error) => Fault::connecting(&seat.addr, &error),
            other => other,
        })?;
        let epoch = told.get("config-epoch").and_then(|epoch| epoch.parse().ok()).unwrap_or_default();
        let addr = addr_in(&told).ok_or_else(|| Fault::Away(format!("{} names no address", seat.addr)))?;
        Ok(Named { addr, epoch })
    }

    async fn asked<T: redis::FromRedisValue>(&self, seat: &Seat, ask: &redis::Cmd) -> Result<T, Fault> {
        let mut kept = seat.connection.lock().await;
        // A kept connection may have ended unnoticed; then a fresh one is asked.
        if let Some(mut connection) = kept.take() {
            let answer = asked(&mut connection, ask, &seat.addr).await;
            if !matches!(answer, Err(Fault::Lost | Fault::Silent(_))) {
                *kept = Some(connection);
                return answer;
            }
        }
        let mut connection = connect(&self.login, &seat.addr).await?;
        let answer = asked(&mut connection, ask, &seat.addr).await;
        *kept = Some(connection);
        answer
    }
}

fn addr_in(told: &HashMap<String, String>) -> Option<Addr> {
    Some(Addr { host: told.get("ip")?.clone(), port: told.get("port")?.parse().ok()? })
}
