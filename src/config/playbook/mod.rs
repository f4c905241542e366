//! The playbook on disk: read, checked as a whole, watched.

mod campaign;
mod check;
mod draft;
mod finding;
mod json;
mod poster;
mod read;
mod shape;
mod site;
mod source;
mod span;
mod text;
mod toml;
mod watch;

pub use draft::{ChannelsFile, ConnectorsFile, KeywordsFile, NoticesFile, PoolsFile, kinds};
pub use finding::{Code, Finding, Severity};
pub use poster::{Pictures, read_poster};
pub use read::{judge, read, version};
pub use site::Site;
pub use source::{Dirs, Role, Source, Sources};
pub use text::render;
pub use watch::{Live, State, Status};
