//! Reports on their way to a group robot: kept until they are there, also over a restart, and tried by one process at a
//! time. A robot takes no mark that would tell it a message again: after a crash in the very moment between its answer
//! and ours the message is there twice, never not at all.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::printed::put;
use super::robot::{Robot, Said};
use crate::domain::ids::AccountId;
use crate::domain::time::UnixSecs;
use crate::store::{Committed, Shared, SharedChange, SharedKind, SharedName, Store, StoreError, Version};

/// A try is ours for so long; it is over long before.
const LEASE_SECS: i64 = 60;
/// Seconds until the next try, by number of tries.
const PATIENCE_SECS: [i64; 7] = [5, 15, 60, 180, 600, 1200, 1800];
/// A report of yesterday is of no use tomorrow.
const GIVE_UP_SECS: i64 = 24 * 3600;
/// So long it is remembered that a report was posted: longer than any process can be behind.
const REMEMBERED_SECS: i64 = 30 * 24 * 3600;
/// A robot takes so many messages a minute.
const MOST_A_MINUTE: usize = 20;

/// A [`SharedKind::Post`] record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Post {
    since: UnixSecs,
    due: UnixSecs,
    attempt: u32,
    state: State,
    /// The message; empty when it has come to an end.
    markdown: String,
    /// The address that refused it for good, by its mark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refused_by: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Waiting,
    Posted,
    GivenUp,
}

/// How many messages this process sent to the robot within the last minute.
#[derive(Debug, Default)]
pub(super) struct Pace(VecDeque<UnixSecs>);

impl Pace {
    fn has_room(&mut self, now: UnixSecs) -> bool {
        self.0.retain(|sent| now.secs_since(*sent).abs() < 60);
        self.0.len() < MOST_A_MINUTE
    }
}

/// What one look at the post came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Looked {
    /// Whether a message was tried, and there may be more.
    pub tried: bool,
    /// Messages on their way.
    pub waiting: usize,
}

/// Hands a report to the post, unless it was handed over before.
pub(super) async fn hand_over(
    store: &dyn Store,
    account: &AccountId,
    (part, markdown): (&str, String),
    now: UnixSecs,
) -> Result<(), StoreError> {
    let post = Post { since: now, due: now, attempt: 0, state: State::Waiting, markdown, refused_by: None };
    put(store, account, (name_of(part), Version(0)), &post).await.map(|_| ())
}

/// Tries at most one message of an account.
pub(super) async fn try_one(
    (store, account): (&dyn Store, &AccountId),
    robot: &Robot,
    pace: &mut Pace,
    now: UnixSecs,
) -> Result<Looked, StoreError> {
    let mut looked = Looked::default();
    let mut next = None;
    for (part, shared) in store.shared_of(account, SharedKind::Post).await? {
        let Some(post) = read(account, &part, &shared) else { continue };
        if post.state != State::Waiting {
            if now.secs_since(post.since) > REMEMBERED_SECS {
                forget(store, account, (&part, shared.version)).await?;
            }
            continue;
        }
        looked.waiting += 1;
        let is_hopeless = post.refused_by.as_deref() == Some(robot.mark());
        let is_old = now.secs_since(post.since) > GIVE_UP_SECS;
        if post.due <= now && (is_old || !is_hopeless) && next.is_none() {
            next = Some((part, shared.version, post));
        }
    }
    let Some((part, version, post)) = next else { return Ok(looked) };
    if now.secs_since(post.since) > GIVE_UP_SECS {
        give_up(store, account, (&part, version), post).await?;
        return Ok(Looked { tried: true, ..looked });
    }
    if !pace.has_room(now) {
        return Ok(looked);
    }
    looked.tried = true;
    let claimed = Post { due: now.plus_secs(LEASE_SECS), attempt: post.attempt.saturating_add(1), ..post };
    if put(store, account, (name_of(&part), version), &claimed).await? != Committed::Applied {
        return Ok(looked);
    }
    pace.0.push_back(now);
    let said = robot.post(&claimed.markdown).await;
    let after = after((account, &part), claimed, (&said, robot), now);
    put(store, account, (name_of(&part), Version(version.0.saturating_add(1))), &after).await?;
    Ok(looked)
}

/// How it stands after a try, which is told.
fn after((account, part): (&AccountId, &str), post: Post, (said, robot): (&Said, &Robot), now: UnixSecs) -> Post {
    match said {
        Said::Taken => {
            tracing::info!(%account, report = part, "the report was posted to the group robot");
            Post { state: State::Posted, markdown: String::new(), ..post }
        }
        Said::Refused(cause) => {
            tracing::error!(
                %account, report = part, %cause,
                "the group robot does not exist any more: put the address of a new one into reports.robot_url and \
                 restart; the report waits for it until a day has passed"
            );
            Post { due: now, refused_by: Some(robot.mark().to_owned()), ..post }
        }
        Said::NotNow(cause) => {
            let step = usize::try_from(post.attempt.saturating_sub(1)).unwrap_or(usize::MAX);
            let secs = PATIENCE_SECS.get(step).or(PATIENCE_SECS.last()).copied().unwrap_or(60);
            tracing::warn!(%account, report = part, %cause, again_in_secs = secs, "the group robot did not take the report");
            Post { due: now.plus_secs(secs), ..post }
        }
    }
}

async fn give_up(
    store: &dyn Store,
    account: &AccountId,
    (part, version): (&str, Version),
    post: Post,
) -> Result<(), StoreError> {
    let ended = Post { state: State::GivenUp, markdown: String::new(), ..post };
    if put(store, account, (name_of(part), version), &ended).await? == Committed::Applied {
        tracing::error!(
            %account, report = part,
            "the report could not be posted for a day and is given up; see reports.folder, or print it with `fuwu brief`, \
             and check reports.robot_url"
        );
    }
    Ok(())
}

async fn forget(store: &dyn Store, account: &AccountId, (part, base): (&str, Version)) -> Result<(), StoreError> {
    store.put_shared(SharedChange { account: account.clone(), name: name_of(part), base, body: None }).await.map(|_| ())
}

fn read(account: &AccountId, part: &str, shared: &Shared) -> Option<Post> {
    let post = serde_json::from_slice(&shared.body).ok();
    if post.is_none() {
        tracing::debug!(%account, report = part, "a report of another version waits for the robot");
    }
    post
}

fn name_of(part: &str) -> SharedName {
    SharedName { kind: SharedKind::Post, part: part.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_robot_gets_twenty_messages_a_minute_and_no_more() {
        let mut pace = Pace::default();
        let now = UnixSecs(1_000);
        for _ in 0..MOST_A_MINUTE {
            assert!(pace.has_room(now));
            pace.0.push_back(now);
        }
        assert!(!pace.has_room(now.plus_secs(59)));
        assert!(pace.has_room(now.plus_secs(60)));
    }
}
