//! What `store.url` says: which servers, how to get in, and what they are to each other.

use std::fmt;

use redis::io::tcp::TcpSettings;
use redis::{Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _, RedisConnectionInfo, TlsCertificates};

use super::fault::Fault;

/// So long nothing is heard of what was sent.
#[cfg(target_os = "linux")]
const DEAD_AFTER: std::time::Duration = std::time::Duration::from_secs(3);

/// A server.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in crate::store::redis) struct Addr {
    pub(super) host: String,
    pub(super) port: u16,
}

impl Addr {
    /// `host:port` as Redis writes it, so the last colon parts them.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        Some(Self { host: host.to_owned(), port: port.parse().ok()? }).filter(|addr| !addr.host.is_empty())
    }
}

impl fmt::Display for Addr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            return write!(f, "[{}]:{}", self.host, self.port);
        }
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// How to get in: the same for every server of a store.
#[derive(Clone, Default)]
pub(super) struct Login {
    user: Option<String>,
    password: Option<String>,
    database: i64,
    tls: Option<Tls>,
}

#[derive(Clone)]
enum Tls {
    /// What the system trusts.
    System,
    /// These certificates only, in PEM.
    Own(Vec<u8>),
}

impl Login {
    pub(super) fn is_over_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// A client of one server.
    pub(super) fn client(&self, Addr { host, port }: &Addr) -> Result<Client, Fault> {
        let mut settings = RedisConnectionInfo::default().set_db(self.database);
        if let Some(user) = &self.user {
            settings = settings.set_username(user);
        }
        if let Some(password) = &self.password {
            settings = settings.set_password(password);
        }
        let (host, port) = (host.clone(), *port);
        let addr = match &self.tls {
            None => ConnectionAddr::Tcp(host, port),
            Some(_) => ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None },
        };
        let info = addr.into_connection_info().map_err(|error| Fault::unusable(error.category()))?;
        let info: ConnectionInfo = info.set_redis_settings(settings).set_tcp_settings(tcp());
        let client = match &self.tls {
            Some(Tls::Own(pem)) => {
                Client::build_with_tls(info, TlsCertificates { client_tls: None, root_cert: Some(pem.clone()) })
            }
            _ => Client::open(info),
        };
        client.map_err(|error| Fault::unusable(error.category()))
    }
}

/// Small requests leave at once; a host that died without a word is known to be dead soon.
fn tcp() -> TcpSettings {
    let settings = TcpSettings::default().set_nodelay(true);
    #[cfg(target_os = "linux")]
    let settings = settings.set_user_timeout(DEAD_AFTER);
    settings
}

/// What the servers are to each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// One, wherever its address leads.
    Server,
    /// These know who is the master of that name.
    Sentinel {
        /// The name.
        master: String,
    },
    /// Some of the nodes of a cluster.
    Cluster,
}

/// All that a URL says.
pub(super) struct Place {
    pub(super) kind: Kind,
    pub(super) addrs: Vec<Addr>,
    pub(super) login: Login,
    /// To the sentinels, who have a password of their own.
    pub(super) to_sentinels: Login,
}

impl Place {
    /// Reads a URL: `redis://[user:password@]host[:port][/database]`, `rediss://…` over TLS,
    /// `redis+sentinel://…@h1:26379,h2:26379/0?master=NAME`, `redis+cluster://…@h1:6379,h2:6379`. After a `?` also
    /// `tls=1` (Sentinel, Cluster), `ca=FILE` (certificates to trust, in PEM), `sentinel_user` and `sentinel_password`.
    pub(super) fn read(url: &str) -> Result<Self, Fault> {
        let (scheme, rest) = url.split_once("://").ok_or_else(|| Fault::unusable("it has no scheme"))?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let mut asked = Asked::read(query)?;
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (login, hosts) =
            authority.rsplit_once('@').map_or((None, authority), |(login, hosts)| (Some(login), hosts));
        let (kind, port) = match scheme {
            "redis" | "rediss" => (Kind::Server, 6379),
            "redis+cluster" => (Kind::Cluster, 6379),
            _ => {
                let master = asked.take("master").ok_or_else(|| Fault::unusable("write ?master=NAME at its end"))?;
                (Kind::Sentinel { master }, 26_379)
            }
        };
        let addrs: Option<Vec<Addr>> = hosts.split(',').map(|host| with_port(host, port)).collect();
        let addrs = addrs.ok_or_else(|| {
            Fault::unusable(
                "a host or port in it is none; write host:port, and the /, @ and ? of a password as %2F, %40 and %3F",
            )
        })?;
        if kind == Kind::Server && addrs.len() > 1 {
            return Err(Fault::unusable("it names several servers; write redis+sentinel:// or redis+cluster://"));
        }
        let database = match path.trim_end_matches('/') {
            "" => 0,
            number => {
                number.parse().map_err(|_| Fault::unusable("what follows the host is no number of a database"))?
            }
        };
        if kind == Kind::Cluster && database != 0 {
            return Err(Fault::unusable("a cluster has database 0 only"));
        }
        let over_tls = scheme == "rediss" || asked.take("tls").is_some_and(|it| it == "1");
        let tls = match asked.take("ca") {
            Some(path) => {
                let pem = std::fs::read(&path).map_err(|error| Fault::unusable(&format!("ca={path}: {error}")))?;
                Some(Tls::Own(pem))
            }
            None => over_tls.then_some(Tls::System),
        };
        let (user, password) = match login {
            None => (None, None),
            Some(login) => {
                let (user, password) = login.split_once(':').unwrap_or((login, ""));
                (decoded(user)?, decoded(password)?)
            }
        };
        let to_sentinels = Login {
            user: asked.take("sentinel_user"),
            password: asked.take("sentinel_password"),
            database: 0,
            tls: tls.clone(),
        };
        asked.nothing_left()?;
        Ok(Self { kind, addrs, login: Login { user, password, database, tls }, to_sentinels })
    }
}

fn with_port(host: &str, usual: u16) -> Option<Addr> {
    let is_bare = host.ends_with(']') || !host.contains(':');
    Addr::read(&if is_bare { format!("{host}:{usual}") } else { host.to_owned() })
}

/// What stands after the question mark.
struct Asked(Vec<(String, String)>);

impl Asked {
    fn read(query: &str) -> Result<Self, Fault> {
        let parts = query.split('&').filter(|part| !part.is_empty());
        let read = parts.map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            Ok((name.to_owned(), decoded(value)?.unwrap_or_default()))
        });
        read.collect::<Result<_, Fault>>().map(Self)
    }

    fn take(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|(asked, _)| asked == name)?;
        Some(self.0.remove(at).1).filter(|value| !value.is_empty())
    }

    fn nothing_left(&self) -> Result<(), Fault> {
        match self.0.first() {
            None => Ok(()),
            // A password may hold a question mark, so what stands after one is not repeated.
            Some(_) => Err(Fault::unusable(
                "after its ? only master, tls, ca, sentinel_user and sentinel_password are known; write a ? of a \
                 password as %3F",
            )),
        }
    }
}

/// `%XX` as the byte it stands for; nothing as `None`.
fn decoded(text: &str) -> Result<Option<String>, Fault> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16));
        bytes.push(match byte {
            b'%' => match (digit(), digit()) {
                (Some(high), Some(low)) => u8::try_from(high * 16 + low).unwrap_or_default(),
                _ => return Err(Fault::unusable("a % in it is not followed by two digits; write % itself as %25")),
            },
            other => other,
        });
    }
    let text = String::from_utf8(bytes).map_err(|_| Fault::unusable("what a % in it means is no text"))?;
    Ok(Some(text).filter(|text| !text.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Place {
        Place::read(url).unwrap_or_else(|fault| panic!("{url}: {fault}"))
    }

    fn refusal(url: &str) -> String {
        Place::read(url).err().unwrap().to_string()
    }

    fn addrs(place: &Place) -> Vec<String> {
        place.addrs.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn one_server_is_read_with_all_it_may_have() {
        let place = read("rediss://shop:p%40ss%2F1@cache.example.com:6380/3");
        assert_eq!((place.kind.clone(), addrs(&place)), (Kind::Server, vec!["cache.example.com:6380".to_owned()]));
        assert_eq!((place.login.user.as_deref(), place.login.password.as_deref()), (Some("shop"), Some("p@ss/1")));
        assert!(place.login.database == 3 && matches!(place.login.tls, Some(Tls::System)));
        let bare = read("redis://[::1]");
        assert_eq!((addrs(&bare), bare.login.password, bare.login.database), (vec!["[::1]:6379".to_owned()], None, 0));
    }

    #[test]
    fn sentinels_and_nodes_are_lists_and_sentinels_have_a_password_of_their_own() {
        let place = read("redis+sentinel://:p@a,b:1/2?master=shop&sentinel_password=q%26&tls=1");
        assert_eq!(place.kind, Kind::Sentinel { master: "shop".into() });
        assert_eq!(addrs(&place), ["a:26379", "b:1"]);
        assert_eq!(place.login.password.as_deref(), Some("p"));
        assert_eq!((place.to_sentinels.password.as_deref(), place.to_sentinels.database), (Some("q&"), 0));
        assert!(place.to_sentinels.tls.is_some());
        assert_eq!(addrs(&read("redis+cluster://u:p@a,b:1")), ["a:6379", "b:1"]);
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_what_to_write_and_no_password_is_repeated() {
        for (url, mend) in [
            ("redis+sentinel://hunter2:hunter2@a", "?master=NAME"),
            ("redis://:hunter2@a,b", "redis+cluster://"),
            ("redis://:hunter2@a:x", "host:port"),
            ("redis://:hunter2@", "host:port"),
            ("redis://:hun/ter2@a", "%2F"),
            ("redis://:hunter2%@a", "%25"),
            ("redis+cluster://:hunter2@a/1", "database 0"),
            ("redis://:x?hunter2@a", "host:port"),
            ("redis://a?hunter2=1", "sentinel_password"),
            ("redis://a?ca=/nowhere/ca.pem", "/nowhere/ca.pem"),
            ("redis:hunter2", "scheme"),
        ] {
            let sentence = refusal(url);
            assert!(sentence.contains(mend) && sentence.contains("store.url"), "{url}: {sentence}");
            assert!(!sentence.contains("hunter2") && !sentence.contains("ter2"), "{url}: {sentence}");
        }
    }
}
