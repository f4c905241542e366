//! Where requests really go: every address is looked at when a connection is made to it, so a name that leads elsewhere a
//! moment after it was looked at (rebinding) leads nowhere.

use std::error::Error;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, Url};
use url::Host;

use super::ask::builder;
use crate::domain::connector::{Addresses, may_be_at};

/// Finds the addresses of a name, and makes clients that connect to those only that are allowed.
pub(super) struct Guard {
    names: Arc<dyn Resolve>,
    /// The client for the addresses that were allowed last. A connection that stands is good for them and no others.
    made: Mutex<Option<(Vec<Addresses>, Client)>>,
}

/// An address at which no business system may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not public and not in allow_addresses")]
pub(super) struct Forbidden(pub(super) IpAddr);

impl Forbidden {
    /// It, if this error comes of it.
    pub(super) fn in_error(error: &reqwest::Error) -> Option<Self> {
        let mut cause: Option<&(dyn Error + 'static)> = error.source();
        while let Some(error) = cause {
            if let Some(forbidden) = error.downcast_ref::<Self>() {
                return Some(*forbidden);
            }
            cause = error.source();
        }
        None
    }
}

impl Default for Guard {
    fn default() -> Self {
        Self::of(Arc::new(System))
    }
}

impl Guard {
    /// With this way to find addresses.
    pub(super) fn of(names: Arc<dyn Resolve>) -> Self {
        Self { names, made: Mutex::new(None) }
    }

    /// The client that reaches public addresses and these.
    ///
    /// # Errors
    /// When no client can be made.
    pub(super) fn client(&self, allowed: &[Addresses]) -> reqwest::Result<Client> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, client)) = made.as_ref()
            && of == allowed
        {
            return Ok(client.clone());
        }
        let names = Arc::new(Guarded { names: Arc::clone(&self.names), allowed: allowed.into() });
        let client = builder().dns_resolver(names).build()?;
        *made = Some((allowed.to_vec(), client.clone()));
        Ok(client)
    }
}

/// An address that stands in the URL itself is asked of no resolver.
pub(super) fn written_out(url: &Url, allowed: &[Addresses]) -> Result<(), Forbidden> {
    let address = match url.host() {
        Some(Host::Ipv4(address)) => IpAddr::V4(address),
        Some(Host::Ipv6(address)) => IpAddr::V6(address),
        _ => return Ok(()),
    };
    if may_be_at(address, allowed) { Ok(()) } else { Err(Forbidden(address)) }
}

struct System;

impl Resolve for System {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            Ok(Box::new(found.collect::<Vec<_>>().into_iter()) as Addrs)
        })
    }
}

/// Finds the same addresses less those that are not allowed: what it gives is what is connected to.
struct Guarded {
    names: Arc<dyn Resolve>,
    allowed: Arc<[Addresses]>,
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let (found, allowed) = (self.names.resolve(name), Arc::clone(&self.allowed));
        Box::pin(async move {
            let (fit, unfit): (Vec<SocketAddr>, Vec<SocketAddr>) =
                found.await?.partition(|address| may_be_at(address.ip(), &allowed));
            match unfit.first().filter(|_| fit.is_empty()) {
                Some(address) => Err(Box::new(Forbidden(address.ip())) as Box<dyn Error + Send + Sync>),
                None => Ok(Box::new(fit.into_iter()) as Addrs),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A resolver that is handed in: it says something else every time.
    struct Says(Mutex<Vec<Vec<&'static str>>>);

    impl Resolve for Says {
        fn resolve(&self, _: Name) -> Resolving {
            let addresses = self.0.lock().unwrap().remove(0);
            let addresses: Vec<SocketAddr> = addresses.iter().map(|text| text.parse().unwrap()).collect();
            Box::pin(async move { Ok(Box::new(addresses.into_iter()) as Addrs) })
        }
    }

    async fn refused(client: &Client, port: u16) -> Option<Forbidden> {
        let asked = client.get(format!("http://bss.example:{port}/")).send().await;
        Forbidden::in_error(&asked.unwrap_err())
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_is_not_followed_also_when_it_did_not_a_moment_before() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        listener.set_nonblocking(true).unwrap();
        // 192.0.2.1 stands for what cannot be reached and was allowed at first.
        let said = vec![vec!["192.0.2.1:0"], vec!["127.0.0.1:0"], vec!["169.254.169.254:0", "[::1]:0"]];
        let guard = Guard::of(Arc::new(Says(Mutex::new(said))));
        let client = guard.client(&["192.0.2.0/24".parse().unwrap()]).unwrap();
        let first = client.get(format!("http://bss.example:{port}/")).timeout(std::time::Duration::from_millis(20));
        assert_eq!(Forbidden::in_error(&first.send().await.unwrap_err()), None, "it was let through and not there");
        assert_eq!(refused(&client, port).await, Some(Forbidden("127.0.0.1".parse().unwrap())));
        assert_eq!(refused(&client, port).await, Some(Forbidden("169.254.169.254".parse().unwrap())));
        assert!(listener.accept().is_err(), "nobody was connected to");
    }

    #[tokio::test]
    async fn of_several_addresses_only_those_that_may_be_are_tried() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let said = vec![vec!["10.0.0.1:0", "127.0.0.1:0"]];
        let guard = Guard::of(Arc::new(Says(Mutex::new(said))));
        let client = guard.client(&["127.0.0.0/8".parse().unwrap()]).unwrap();
        let asking = tokio::spawn(async move { client.get(format!("http://bss.example:{port}/")).send().await });
        let (stream, _) = tokio::task::spawn_blocking(move || listener.accept().unwrap()).await.unwrap();
        drop(stream);
        assert!(asking.await.unwrap().is_err());
    }

    #[tokio::test]
    async fn what_is_allowed_now_holds_for_the_next_connection() {
        let guard = Guard::of(Arc::new(Says(Mutex::new(vec![vec!["127.0.0.1:0"]]))));
        let wide = guard.client(&["127.0.0.0/8".parse().unwrap()]);
        assert!(wide.is_ok());
        let none = guard.client(&[]).unwrap();
        assert_eq!(refused(&none, 1).await, Some(Forbidden("127.0.0.1".parse().unwrap())));
    }

    #[test]
    fn an_address_in_the_url_is_looked_at_however_it_is_written() {
        let check = |url: &str, allowed: &[&str]| {
            let allowed: Vec<Addresses> = allowed.iter().map(|text| text.parse().unwrap()).collect();
            written_out(&Url::parse(url).unwrap(), &allowed).is_ok()
        };
        for url in [
            "http://127.0.0.1/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://[::1]/",
            "http://[::ffff:7f00:1]/",
            "http://169.254.169.254/latest/",
            "http://10.0.0.1:8080/",
        ] {
            assert!(!check(url, &[]), "{url}");
        }
        assert!(check("http://127.0.0.1/", &["127.0.0.1"]) && check("http://1.1.1.1/", &[]));
        assert!(check("http://localhost/", &[]), "a name is looked at when it is resolved");
    }
}
