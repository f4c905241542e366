//! The thread that writes: what has come meanwhile goes to the disk in one write and one sync.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use tokio::sync::oneshot;

use super::log::{Segment, Shared};
use super::record::Record;
use super::segment::Open;
use super::{Accepted, JournalFault, Location, Place};
use crate::domain::time::UnixSecs;

/// So much of a segment is written before another one is begun.
const SEGMENT_BYTES: u64 = 16 * 1024 * 1024;
/// Or so long, so that what is too old can go.
const SEGMENT_SECS: i64 = 900;
/// So many entries are written at once.
const AT_ONCE: usize = 512;
/// Notes about answers wait so long for a delivery to be written with.
const NOTES_WAIT: Duration = Duration::from_millis(200);

pub(super) type Done = oneshot::Sender<Result<(Place, Location), JournalFault>>;

/// What the thread is asked.
pub(super) enum Job {
    /// To keep a delivery.
    Accept(Accepted, Done),
    /// To note that somebody was answered.
    Answered(Place),
    /// To begin another segment.
    Rotate,
}

struct Writer<'a> {
    shared: &'a Shared,
    open: Option<Open>,
    next_segment: u64,
    next_place: u64,
    notes: Vec<Place>,
}

/// Writes until nobody asks any more.
pub(super) fn write(shared: &Shared, jobs: &Receiver<Job>) {
    let (next_segment, next_place) = {
        let state = shared.state();
        let last = state.segments.values().map(|segment| segment.last.0).max().unwrap_or_default();
        (state.segments.keys().next_back().map_or(1, |number| number + 1), last + 1)
    };
    let mut writer = Writer { shared, open: None, next_segment, next_place, notes: Vec::new() };
    loop {
        let wait = if writer.notes.is_empty() { Duration::MAX } else { NOTES_WAIT };
        let first = match jobs.recv_timeout(wait) {
            Ok(job) => job,
            Err(RecvTimeoutError::Timeout) => {
                writer.write(Vec::new());
                continue;
            }
            Err(RecvTimeoutError::Disconnected) => break,
        };
        let mut accepted = Vec::new();
        for job in std::iter::once(first).chain(jobs.try_iter().take(AT_ONCE)) {
            match job {
                Job::Accept(delivery, done) => accepted.push((delivery, done)),
                Job::Answered(place) => writer.notes.push(place),
                Job::Rotate => writer.rotate(),
            }
        }
        if !accepted.is_empty() {
            writer.write(accepted);
        }
    }
    writer.write(Vec::new());
}

impl Writer<'_> {
    fn write(&mut self, accepted: Vec<(Accepted, Done)>) {
        if accepted.is_empty() && self.notes.is_empty() {
            return;
        }
        let (deliveries, dones): (Vec<Accepted>, Vec<Done>) = accepted.into_iter().unzip();
        match self.try_write(deliveries) {
            Ok(kept) => {
                // Whoever asked may be gone; the entry stands all the same, and is applied after the next start.
                kept.into_iter().zip(dones).for_each(|(kept, done)| drop(done.send(Ok(kept))));
            }
            Err(fault) => {
                tracing::error!(%fault, deliveries = dones.len(), "the journal could not be written");
                let told = fault.to_string();
                dones.into_iter().for_each(|done| drop(done.send(Err(JournalFault::Disk(told.clone())))));
            }
        }
    }

    fn try_write(&mut self, deliveries: Vec<Accepted>) -> Result<Vec<(Place, Location)>, JournalFault> {
        if !deliveries.is_empty() {
            self.make_room()?;
        }
        let arrived = deliveries.first().map(|delivery| delivery.arrived);
        self.next_place = self.next_place.max(self.shared.state().after.0 + 1);
        let mut open = match self.open.take().filter(|open| !self.is_full(open, arrived)) {
            Some(open) => open,
            None => self.begin()?,
        };
        let (mut batch, mut kept, mut records) = (Vec::new(), Vec::new(), Vec::new());
        let notes: Vec<Record> = self.notes.iter().copied().map(Record::Answered).collect();
        for record in notes.into_iter().chain(deliveries.into_iter().map(Record::Accepted)) {
            let place = Place(self.next_place);
            self.next_place += 1;
            let location = open.add(&mut batch, place, &record)?;
            records.push((place, record));
            if let Some((place, Record::Accepted(_))) = records.last() {
                kept.push((*place, location));
            }
        }
        {
            // Before it is on the disk, so that nothing later is ever taken for all there is.
            let mut state = self.shared.state();
            for (place, record) in &records {
                if let Record::Accepted(delivery) = record {
                    state.unsettled.accept(delivery.partition, *place);
                }
            }
        }
        let written = open.write(&batch);
        let mut state = self.shared.state();
        for (place, record) in &records {
            if let Record::Accepted(delivery) = record {
                match &written {
                    Ok(()) => state.unsettled.stands(delivery.partition, *place),
                    Err(_) => state.unsettled.withdraw(delivery.partition, *place),
                }
            }
        }
        if let Err(error) = written {
            return Err(JournalFault::Disk(error.to_string()));
        }
        self.notes.clear();
        let segment = state.segments.entry(open.number).or_default();
        segment.bytes = open.bytes;
        records.iter().for_each(|(place, record)| segment.note(*place, record));
        drop(state);
        self.open = Some(open);
        Ok(kept)
    }

    fn is_full(&self, open: &Open, arrived: Option<UnixSecs>) -> bool {
        let began = self.shared.state().segments.get(&open.number).and_then(|segment| segment.first_arrived);
        let is_old = arrived.zip(began).is_some_and(|(now, began)| now.secs_since(began) >= SEGMENT_SECS);
        open.bytes >= SEGMENT_BYTES || is_old
    }

    /// Begins another segment at once, so that what stands in this one can go.
    fn rotate(&mut self) {
        match self.begin() {
            Ok(open) => self.open = Some(open),
            Err(fault) => tracing::error!(%fault, "the journal cannot be tidied"),
        }
    }

    fn begin(&mut self) -> Result<Open, JournalFault> {
        let number = self.next_segment;
        let first = Place(self.next_place);
        let open = Open::begin(&self.shared.dir, (number, first), &self.shared.key)?;
        self.next_segment += 1;
        let last = Place(first.0.saturating_sub(1));
        let segment = Segment { bytes: open.bytes, first, last, first_arrived: None };
        self.shared.state().segments.insert(number, segment);
        Ok(open)
    }

    /// Drops the oldest segments of which the store has everything, as far as there is no room.
    fn make_room(&mut self) -> Result<(), JournalFault> {
        let mut state = self.shared.state();
        loop {
            let bytes: u64 = state.segments.values().map(|segment| segment.bytes).sum();
            if bytes < self.shared.most_bytes {
                return Ok(());
            }
            let oldest_waiting = state.unsettled.oldest();
            let Some((number, segment)) = state.segments.first_key_value() else { return Ok(()) };
            let (number, first, last) = (*number, segment.first, segment.last);
            let is_written = self.open.as_ref().is_some_and(|open| open.number == number);
            if is_written || oldest_waiting.is_some_and(|waiting| waiting <= last) {
                return Err(JournalFault::Full(bytes));
            }
            self.shared.remove(&mut state, number)?;
            let lost = state.unsettled.drop_between(first, last);
            if lost > 0 {
                tracing::error!(lost, "deliveries that could not be applied made room for others in the journal");
            }
        }
    }
}
