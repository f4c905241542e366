//! The playbook on disk: read, checked as a whole, watched.

mod check;
mod draft;
mod finding;
mod json;
mod read;
mod shape;
mod site;
mod source;
mod span;
mod text;
mod toml;
mod watch;

pub use draft::{ChannelsFile, ConnectorsFile, KeywordsFile, NoticesFile, PoolsFile};
pub use finding::{Code, Finding, Severity};
pub use read::{judge, read, version};
pub use source::{Dirs, Role, Source, Sources};
pub use text::render;
pub use watch::{Live, State, Status};
