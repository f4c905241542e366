//! The lines to one server: one for everybody, and one of its own for each web worker. What a worker asks is then written
//! and read by the thread that waits for it, and nobody is woken in between.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::runtime::{Handle, Id, RuntimeFlavor};

use super::line::Line;

/// Lines that lead to the same server.
pub(super) struct Lines {
    first: Arc<Line>,
    own: RwLock<HashMap<Id, Arc<Line>>>,
}

impl Lines {
    pub(super) fn new(first: Line) -> Self {
        Self { first: Arc::new(first), own: RwLock::default() }
    }

    /// The one that is always there.
    pub(super) fn first(&self) -> &Arc<Line> {
        &self.first
    }

    /// The one for whoever asks: on a runtime with a single thread its own.
    pub(super) fn here(&self) -> Arc<Line> {
        let own = Handle::try_current().ok().filter(|here| here.runtime_flavor() == RuntimeFlavor::CurrentThread);
        let Some(here) = own.map(|here| here.id()) else { return Arc::clone(&self.first) };
        if let Some(line) = self.own.read().unwrap_or_else(PoisonError::into_inner).get(&here) {
            return Arc::clone(line);
        }
        let mut own = self.own.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(own.entry(here).or_insert_with(|| Arc::new(self.first.another())))
    }
}
