//! One HTTP/1.1 connection that is kept alive and carries one request at a time.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;
use std::time::Instant;

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

const MAX_HEADERS: usize = 32;

/// A connection, with what it carries.
pub struct Connection {
    stream: TcpStream,
    incoming: Vec<u8>,
    errand: Option<Errand>,
}

/// A request on its way.
pub struct Errand {
    /// Which delivery.
    pub delivery: usize,
    /// When it should have left: with a free connection and a client in time, the moment it left.
    pub intended: Instant,
    sent: usize,
}

/// A whole answer.
pub struct Answered<'a> {
    pub errand: Errand,
    pub status: u16,
    pub body: &'a [u8],
}

impl Connection {
    pub fn open(address: SocketAddr, registry: &Registry, token: Token) -> io::Result<Self> {
        let stream = std::net::TcpStream::connect(address)?;
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        let mut stream = TcpStream::from_std(stream);
        registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
        Ok(Self { stream, incoming: Vec::with_capacity(4096), errand: None })
    }

    /// Takes a request over. It goes out by [`Connection::send`].
    pub fn take(&mut self, delivery: usize, intended: Instant) {
        self.errand = Some(Errand { delivery, intended, sent: 0 });
    }

    /// The delivery it carries.
    pub fn carries(&self) -> Option<usize> {
        self.errand.as_ref().map(|errand| errand.delivery)
    }

    /// Sends as much of its request as the socket takes.
    pub fn send(&mut self, request: &[u8]) -> io::Result<()> {
        let Some(errand) = &mut self.errand else { return Ok(()) };
        while let Some(rest) = request.get(errand.sent..).filter(|rest| !rest.is_empty()) {
            match self.stream.write(rest) {
                Ok(sent) => errand.sent += sent,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads what is there, and hands a whole answer to `on_answer`. Whoever gets `false` is woken again when there is more.
    ///
    /// # Errors
    /// When the connection ends, or says what nobody asked for or what is no HTTP.
    pub fn receive(&mut self, chunk: &mut [u8], on_answer: impl FnOnce(Answered<'_>)) -> io::Result<bool> {
        loop {
            match self.stream.read(chunk) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(read) => self.incoming.extend_from_slice(chunk.get(..read).unwrap_or_default()),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
            if let Some((status, body)) = whole(&self.incoming)? {
                let errand = self.errand.take().ok_or_else(|| io::Error::other("an answer that nobody asked for"))?;
                on_answer(Answered { errand, status, body });
                self.incoming.clear();
                return Ok(true);
            }
        }
    }
}

/// Status and body, once everything is there.
fn whole(bytes: &[u8]) -> io::Result<Option<(u16, &[u8])>> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(head) = response.parse(bytes).map_err(io::Error::other)? else { return Ok(None) };
    let named = |header: &&httparse::Header<'_>| header.name.eq_ignore_ascii_case("content-length");
    let length = response.headers.iter().find(named).and_then(|header| std::str::from_utf8(header.value).ok());
    let length: usize = length
        .and_then(|length| length.parse().ok())
        .ok_or_else(|| io::Error::other("an answer without a Content-Length"))?;
    match bytes.len().cmp(&(head + length)) {
        std::cmp::Ordering::Less => Ok(None),
        std::cmp::Ordering::Equal => Ok(response.code.zip(bytes.get(head..))),
        std::cmp::Ordering::Greater => Err(io::Error::other("more than one answer")),
    }
}
