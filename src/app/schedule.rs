//! What happens by the clock: days are checked when they close, reports are made when they are due, and stay in hand
//! until they are where they belong.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

use super::brief::{Subject, read_brief};
use super::day_check::check_days;
use super::duty::Duty;
use super::post::{Pace, hand_over, try_one};
use super::printed::{PrintedRecord, name_of, name_of_edition, put};
use super::robot::Robot;
use super::{App, ServedAccount, report_files};
use crate::config::settings::Reports;
use crate::domain::ids::AccountId;
use crate::domain::time::{BusinessDay, UnixSecs};
use crate::growth::brief::{Edition, Made, Timetable};
use crate::growth::counter::Metric;
use crate::growth::lateness::GRACE_SECS;
use crate::growth::report::AsOf;
use crate::store::{Committed, CounterRange, SharedKind, StoreError, Version};

/// The longest the worker looks away.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// What another process left behind, or a folder refused, is looked at again after this.
const AGAIN_SECS: i64 = 60;
/// Reports made, by account.
const MADE: &str = "fuwu_reports_made_total";
/// Reports on their way to the folder or the robot, by account.
const WAITING: &str = "fuwu_reports_waiting";

/// Makes reports and sees them off.
pub struct Press {
    app: Arc<App>,
    reports: Reports,
    robot: Option<Robot>,
    pace: Pace,
    seen: HashMap<AccountId, Seen>,
}

/// When an account was last looked through, and what was due then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    at: UnixSecs,
    due: (BusinessDay, Edition, Edition),
    owed: usize,
}

impl Press {
    /// Reports of all accounts of `app`, as the settings want them.
    pub fn new(app: Arc<App>, reports: Reports, client: reqwest::Client) -> Self {
        let robot = reports.robot_url.clone().map(|url| Robot::new(client, url));
        Self { app, reports, robot, pace: Pace::default(), seen: HashMap::new() }
    }

    /// Works until told to stop. What is in hand then is finished: at most one message to the robot.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            if self.tick().await {
                continue;
            }
            tokio::select! {
                () = sleep(LOOK_AGAIN) => {}
                heard = stop.changed() => if heard.is_err() { break },
            }
        }
    }

    /// Does what is due now, and says whether there may be more at once. What fails is told and tried again.
    pub async fn tick(&mut self) -> bool {
        let accounts: Vec<_> = self.app.accounts().cloned().collect();
        let mut more = false;
        for account in accounts {
            match self.look_after(&account).await {
                Ok(tried) => more |= tried,
                Err(error) => tracing::warn!(account = %account.id(), %error, "the reports wait for the store"),
            }
        }
        more
    }

    async fn look_after(&mut self, account: &ServedAccount) -> Result<bool, StoreError> {
        let clock = self.app.as_of();
        // A day closes when its grace is over.
        let closed = clock.now.plus_secs(-GRACE_SECS).business_day();
        let (daily, weekly) = self.timetable().latest(clock.now);
        let due = (closed, daily, weekly);
        let is_news = self
            .seen
            .get(account.id())
            .is_none_or(|seen| seen.due != due || clock.now.secs_since(seen.at).abs() >= AGAIN_SECS);
        if !self.app.owns(account.id(), Duty::Reports).await? {
            return Ok(false);
        }
        if is_news {
            check_days(self.app.store().as_ref(), account.id(), clock).await?;
            self.print_due(account, clock).await?;
            let owed = self.see_off(account, clock).await?;
            self.seen.insert(account.id().clone(), Seen { at: clock.now, due, owed });
        }
        let owed = self.seen.get(account.id()).map_or(0, |seen| seen.owed);
        let store = self.app.store();
        let looked = match &self.robot {
            Some(robot) => try_one((store.as_ref(), account.id()), robot, &mut self.pace, clock.now).await?,
            None => Default::default(),
        };
        let waiting = u32::try_from(owed.saturating_add(looked.waiting)).unwrap_or(u32::MAX);
        metrics::gauge!(WAITING, "account" => account.id().to_string()).set(f64::from(waiting));
        Ok(looked.tried)
    }

    fn timetable(&self) -> Timetable {
        Timetable { daily_at_min: self.reports.daily_at_min, weekly_at_min: self.reports.weekly_at_min }
    }

    /// Makes what is due. A record that is there already was made by somebody else.
    async fn print_due(&self, account: &ServedAccount, clock: AsOf) -> Result<(), StoreError> {
        let (owes_files, owes_post) = (self.reports.folder.is_some(), self.robot.is_some());
        if !owes_files && !owes_post {
            return Ok(());
        }
        let store = self.app.store().as_ref();
        let Some(began) = self.began(account.id(), clock).await? else { return Ok(()) };
        let due = self.timetable().due(clock.now, self.made(account.id()).await?, began);
        let mut skipped = due.skipped;
        if let Some((from, to)) = skipped {
            tracing::warn!(
                account = %account.id(), %from, %to,
                "the daily reports of these days are not made any more; `fuwu brief daily --day DAY` prints one"
            );
        }
        let playbook = account.playbook();
        for edition in due.editions {
            let subject = Subject { store, account: account.id(), playbook: &playbook, clock };
            let brief = read_brief(&subject, edition, skipped.take()).await?;
            let numbers = brief.printed();
            let record = PrintedRecord { at: clock.now, numbers, owes_files, owes_post, brief: Some(brief) };
            let name = name_of_edition(edition);
            if put(store, account.id(), (name, Version(0)), &record).await? == Committed::Applied {
                metrics::counter!(MADE, "account" => account.id().to_string()).increment(1);
                tracing::info!(account = %account.id(), report = %edition, "the report was made");
            }
        }
        Ok(())
    }

    /// The first day on which anything was counted.
    async fn began(&self, account: &AccountId, clock: AsOf) -> Result<Option<BusinessDay>, StoreError> {
        let metrics = [Metric::Follows, Metric::Messages];
        let until_now = |metric| CounterRange::new(metric, i32::MIN, clock.now.business_day().0);
        let counters = self.app.store().counters(account, &metrics.map(until_now)).await?;
        Ok(metrics.into_iter().filter_map(|metric| counters.firsts(metric).next()).min().map(BusinessDay))
    }

    /// The latest reports that were made.
    async fn made(&self, account: &AccountId) -> Result<Made, StoreError> {
        let mut made = Made::default();
        for (part, _) in self.app.store().shared_of(account, SharedKind::Printed).await? {
            match Edition::parse(&part) {
                Some(Edition::Daily(day)) => made.daily = made.daily.max(Some(day)),
                Some(Edition::Weekly(week)) => made.weekly = made.weekly.max(Some(week)),
                None => {}
            }
        }
        Ok(made)
    }

    /// Writes files and hands over to the post what is owed, and says how much of it stays owed.
    async fn see_off(&self, account: &ServedAccount, clock: AsOf) -> Result<usize, StoreError> {
        let store = self.app.store().as_ref();
        let (mut owed, mut refused) = (0, Vec::new());
        for (part, shared) in store.shared_of(account.id(), SharedKind::Printed).await? {
            let Some(record) = PrintedRecord::read(&shared).filter(|record| !record.is_settled()) else { continue };
            let (after, cause) = self.see_off_one(account, (&part, &record), clock.now).await?;
            refused.extend(cause);
            owed += usize::from(!after.is_settled());
            if after != record {
                put(store, account.id(), (name_of(&part), shared.version), &after).await?;
            }
        }
        if self.reports.folder.is_some() {
            self.app.folder_watch().note(account.id(), clock.now, refused);
        }
        Ok(owed)
    }

    /// The record after it, and why its files could not be written.
    async fn see_off_one(
        &self,
        account: &ServedAccount,
        (part, record): (&str, &PrintedRecord),
        now: UnixSecs,
    ) -> Result<(PrintedRecord, Option<String>), StoreError> {
        let (mut record, mut refused) = (record.clone(), None);
        let Some(brief) = &record.brief else { return Ok((record, refused)) };
        if record.owes_post {
            hand_over(self.app.store().as_ref(), account.id(), (part, brief.markdown()), now).await?;
            record.owes_post = false;
        }
        if let (true, Some(folder)) = (record.owes_files, &self.reports.folder) {
            match report_files::write(folder, account.id(), part, brief).await {
                Ok(()) => record.owes_files = false,
                Err(error) => {
                    tracing::error!(
                        account = %account.id(), report = part, %error,
                        "the report could not be written and is tried again every minute: create the folder of \
                         reports.folder, or let fuwu write to it"
                    );
                    refused = Some(error.to_string());
                }
            }
        }
        if record.is_settled() {
            record.brief = None;
        }
        Ok((record, refused))
    }
}
