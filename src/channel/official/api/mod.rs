//! The platform's API (platform.md part 4): one file per family of calls.
//!
//! A call is a `call::Call`; `exchange` makes it, with a token that all processes share (`keeper`, `token`),
//! within its quota (`quota`) and rights (`rights`), at the first address that is well (`http`, `breaker`), again where that is safe. What
//! each code of the platform asks for is one table (`codes`, `reaction()`). What it would refuse is refused before it
//! is asked (`limits`).

mod account;
mod agents;
mod breaker;
mod call;
#[cfg(test)]
mod calls;
mod client;
mod codes;
mod content;
mod custom;
mod datacube;
mod desk;
mod draft;
mod error;
mod exchange;
mod http;
mod jssdk;
mod keeper;
#[cfg(test)]
mod leaks;
mod lenient;
mod limits;
#[cfg(test)]
mod many;
mod mass;
mod mass_message;
mod material;
mod media;
mod menu;
mod message;
mod multipart;
mod notice;
mod publish;
mod qr;
mod quota;
mod reaction;
#[cfg(test)]
mod reactions;
mod readers;
mod rid;
mod rights;
#[cfg(test)]
mod stage;
mod tags;
mod template;
mod token;
mod users;
mod vault;
mod web_auth;

pub use account::{CallbackCheck, CheckFrom, CheckWhat, Pinged, Resolved};
pub use agents::{Agent, AgentOnline, Session, Waiting, WaitingList};
#[cfg(test)]
pub(crate) use call::{Call, Came, Lost};
#[cfg(test)]
pub(crate) use client::Carrier;
pub use client::{ApiClock, Client, ClientSpec, HOSTS};
pub use content::{Advice, MiniProgram, Verdict, WordsIn};
pub use custom::{CustomMessage, Origin, Signed, Typing};
pub use datacube::{InterfaceSummary, MOST_DAYS, Span, UpstreamMessages, UserSummary};
pub use desk::{Record, Records, RecordsAsked};
pub use draft::{Comments, DraftArticle};
pub use error::ApiError;
pub use jssdk::PageSignature;
pub use limits::Invalid;
pub use mass::{Audience, MassKey, MassSent, MassSpeed, MassStatus};
pub use mass_message::{MassMessage, Reprint};
pub use material::{ItemPage, MediaCount, Permanent, VideoWords};
pub use media::{MediaKind, Medium, TEMPORARY_SECS, Temporary};
pub use menu::{CurrentMenu, Menus, PlatformMenu};
pub use multipart::Upload;
pub use notice::NoticeTemplate;
pub use publish::{PublishState, Published};
pub use qr::{Code, CodeLife, CodeScene, LongData, MOST_CODE_SECS};
pub use quota::Quota;
pub use reaction::{Reaction, Reason, meaning, reaction, reaction_of_token};
pub use readers::{ArticleReaders, Reads};
pub use tags::{MOST_TAGGED, Tag, TagId};
pub use template::{Filled, Template};
pub use users::{MOST_BLACKED, MOST_USERS, OpenidPage, UserInfo};
pub use vault::{ProcessVault, TokenVault, VaultFault, Vaulted};
pub use web_auth::{Profile, WebGrant, WebScope, WebVisitor};
