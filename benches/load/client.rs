//! The client: one thread, many connections, either each as fast as it is answered or all together at a set pace.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::ops::Range;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use mio::{Events, Poll, Token};

use super::connection::Connection;
use super::deliveries::Batch;

/// Without a single answer for so long, the run ends.
const PATIENCE: Duration = Duration::from_secs(30);
/// The system wakes us no more exactly than this; what is due sooner is waited for awake.
const DOZE: Duration = Duration::from_millis(1);

/// When requests leave.
#[derive(Clone, Copy, Debug)]
pub enum Pace {
    /// Each connection sends again as soon as it is answered.
    AsAnswered,
    /// So many a second, evenly, whether the ones before are answered or not. Time is counted from the moment a request
    /// should have left, also when no connection was free then: a server that hangs cannot hide behind its own silence.
    PerSecond(f64),
}

/// Connections to one server.
pub struct Client {
    poll: Poll,
    connections: Vec<Option<Connection>>,
    /// They take turns: one that is left alone for seconds is closed by the server, and rightly.
    free: VecDeque<usize>,
    chunk: Vec<u8>,
}

/// What came back.
#[derive(Default)]
pub struct Harvest {
    answers: Vec<Answer>,
    bodies: Vec<u8>,
    /// From the first request to the last answer.
    pub took: Duration,
    /// Connections that broke.
    pub dropped: usize,
    /// Deliveries that went with them.
    pub unanswered: usize,
}

/// One answer.
pub struct Answer {
    /// To which delivery of the batch.
    pub delivery: usize,
    /// After how long.
    pub waited: Duration,
    pub status: u16,
    body: Range<usize>,
}

impl Harvest {
    /// The answers with their bodies, in the order in which they came.
    pub fn answers(&self) -> impl Iterator<Item = (&Answer, &[u8])> {
        self.answers.iter().map(|answer| (answer, self.bodies.get(answer.body.clone()).unwrap_or_default()))
    }

    pub fn len(&self) -> usize {
        self.answers.len()
    }
}

/// One batch on its way.
struct Errands<'a> {
    batch: &'a Batch,
    pace: Pace,
    began: Instant,
    next: usize,
    harvest: Harvest,
}

impl Errands<'_> {
    /// When the next request should leave.
    fn due(&self) -> Option<Instant> {
        let more = self.next < self.batch.len();
        more.then(|| match self.pace {
            Pace::AsAnswered => Instant::now(),
            Pace::PerSecond(rate) => self.began + Duration::from_secs_f64(self.next as f64 / rate),
        })
    }

    fn open(&self) -> usize {
        self.batch.len() - self.harvest.len() - self.harvest.unanswered
    }
}

impl Client {
    /// # Errors
    /// When the server takes no connections.
    pub fn connect(address: SocketAddr, connections: usize) -> anyhow::Result<Self> {
        let poll = Poll::new()?;
        let open = |at| Connection::open(address, poll.registry(), Token(at)).map(Some);
        let opened: Result<Vec<_>, _> = (0..connections).map(open).collect();
        let connections = opened.with_context(|| format!("{connections} connections to {address}"))?;
        let free = (0..connections.len()).collect();
        Ok(Self { poll, connections, free, chunk: vec![0; 64 * 1024] })
    }

    /// Sends a batch and waits for all answers.
    ///
    /// # Errors
    /// When the server is silent, or no connection is left.
    pub fn send(&mut self, batch: &Batch, pace: Pace) -> anyhow::Result<Harvest> {
        let mut events = Events::with_capacity(1024);
        let harvest = Harvest { answers: Vec::with_capacity(batch.len()), ..Harvest::default() };
        let mut errands = Errands { batch, pace, began: Instant::now(), next: 0, harvest };
        let mut heard = errands.began;
        self.dispatch(&mut errands);
        while errands.open() > 0 {
            ensure!(self.connections.iter().any(Option::is_some), "every connection broke");
            self.poll.poll(&mut events, Some(self.doze(&errands)))?;
            let before = errands.harvest.len();
            for event in &events {
                self.serve(event.token().0, &mut errands);
                self.dispatch(&mut errands);
            }
            self.dispatch(&mut errands);
            let now = Instant::now();
            if errands.harvest.len() > before || errands.open() == errands.batch.len() - errands.next {
                heard = now;
            }
            ensure!(now - heard < PATIENCE, "no answer for {PATIENCE:?}, {} are open", errands.open());
        }
        errands.harvest.took = errands.began.elapsed();
        Ok(errands.harvest)
    }

    /// How long nothing has to be done but to listen.
    fn doze(&self, errands: &Errands<'_>) -> Duration {
        let due = if self.free.is_empty() { None } else { errands.due() };
        let until = due.map_or(Duration::from_secs(1), |due| due.saturating_duration_since(Instant::now()));
        if until <= DOZE { Duration::ZERO } else { until - DOZE }
    }

    /// Gives what is due to the connections that are free.
    fn dispatch(&mut self, errands: &mut Errands<'_>) {
        while let Some(due) = errands.due()
            && (matches!(errands.pace, Pace::AsAnswered) || due <= Instant::now())
            && let Some(at) = self.free.pop_front()
        {
            if let Some(connection) = self.connections.get_mut(at).and_then(Option::as_mut) {
                connection.take(errands.next, due);
                errands.next += 1;
                self.push(at, errands);
            }
        }
    }

    fn push(&mut self, at: usize, errands: &mut Errands<'_>) {
        let Some(connection) = self.connections.get_mut(at).and_then(Option::as_mut) else { return };
        let request = connection.carries().and_then(|delivery| errands.batch.request(delivery));
        if connection.send(request.unwrap_or_default()).is_err() {
            self.lose(at, errands);
        }
    }

    /// Something happened on a connection.
    fn serve(&mut self, at: usize, errands: &mut Errands<'_>) {
        let Some(connection) = self.connections.get_mut(at).and_then(Option::as_mut) else { return };
        let harvest = &mut errands.harvest;
        let received = connection.receive(&mut self.chunk, |answered| {
            let begins = harvest.bodies.len();
            harvest.bodies.extend_from_slice(answered.body);
            harvest.answers.push(Answer {
                delivery: answered.errand.delivery,
                waited: answered.errand.intended.elapsed(),
                status: answered.status,
                body: begins..harvest.bodies.len(),
            });
        });
        match received {
            Ok(true) => self.free.push_back(at),
            Ok(false) => self.push(at, errands),
            Err(_) => self.lose(at, errands),
        }
    }

    fn lose(&mut self, at: usize, errands: &mut Errands<'_>) {
        let Some(lost) = self.connections.get_mut(at).and_then(Option::take) else { return };
        errands.harvest.dropped += 1;
        errands.harvest.unanswered += usize::from(lost.carries().is_some());
        self.free.retain(|free| *free != at);
    }
}
