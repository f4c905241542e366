//! Reports: the same as `fuwu report` writes, byte for byte.

use actix_web::http::header::{ContentDisposition, DispositionParam, DispositionType};
use actix_web::web::{Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::super::State;
use super::super::guard::{Authorized, Caller};
use super::described::Report;
use super::{Api, Fault, FaultBody};
use crate::app::{ReportFault, ServedAccount, read_report};
use crate::domain::ids::Channel;
use crate::domain::time::BusinessDay;
use crate::growth::report::{
    Asked, Bom, By, Compare, Explain, Form, Measure, Meta, Period, PeriodError, ReportName, known_channel, written,
};

pub(super) fn add(api: &mut Api) {
    api.route(__path_report, report);
    api.schema::<Report>();
}

/// What can be said of the report that is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Wanted {
    /// The account; may be left out when one is configured.
    account: Option<String>,
    /// First business day, YYYY-MM-DD.
    #[param(format = Date, example = "2026-03-01")]
    from: String,
    /// Last business day, YYYY-MM-DD.
    #[param(format = Date, example = "2026-03-31")]
    to: String,
    /// Only customers who came by this channel of the playbook; `other` for codes that none of them names.
    channel: Option<String>,
    /// What rows are told apart by: `channel`, or for `referral` `referrer` (with the reason) or `reason`.
    #[param(inline)]
    by: Option<ByWord>,
    /// For `retention`: what is measured.
    #[param(inline)]
    measure: Option<MeasureWord>,
    /// `previous` puts the period before beside it, on the same weekdays.
    #[param(inline)]
    compare: Option<CompareWord>,
    /// The numbers as they stood at the end of this business day, YYYY-MM-DD.
    #[param(format = Date)]
    as_of: Option<String>,
    /// Whether every number brings its definition and the integers it is the sum of; not for `csv`.
    explain: Option<bool>,
    /// How it is written. A CSV begins with a byte order mark for the console's browser only.
    #[param(inline)]
    format: Option<FormatWord>,
}

#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum ByWord {
    Channel,
    Referrer,
    Reason,
}

#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum MeasureWord {
    OnDay,
    OnOrAfter,
    Weekly,
}

#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum CompareWord {
    Previous,
}

#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum FormatWord {
    Json,
    Csv,
    Xlsx,
}

impl Wanted {
    fn read(query: &str) -> Result<Self, Fault> {
        Query::<Self>::from_query(query).map(Query::into_inner).map_err(|error| {
            let said = error.to_string();
            let cause = said.strip_prefix("Query deserialize error: ").unwrap_or(&said);
            let mend = "give from=YYYY-MM-DD and to=YYYY-MM-DD; besides: account, channel, by, measure, compare=previous, \
                        as_of=YYYY-MM-DD, explain=true, format=json|csv|xlsx, each once";
            Fault::misused(cause, mend)
        })
    }

    fn asked(&self, report: ReportName) -> Result<Asked, PeriodError> {
        let day = |text: &String| BusinessDay::parse(text).ok_or_else(|| PeriodError::NotADay(text.clone()));
        Ok(Asked {
            channel: self.channel.as_deref().map(Channel::new),
            by: match self.by {
                None => By::Nothing,
                Some(ByWord::Channel) => By::Channel,
                Some(ByWord::Referrer) => By::Referrer,
                Some(ByWord::Reason) => By::Reason,
            },
            measure: match self.measure {
                None | Some(MeasureWord::OnDay) => Measure::OnDay,
                Some(MeasureWord::OnOrAfter) => Measure::OnOrAfter,
                Some(MeasureWord::Weekly) => Measure::Weekly,
            },
            compare: self.compare.map_or(Compare::Nothing, |CompareWord::Previous| Compare::Previous),
            explain: self.explain(),
            as_of: self.as_of.as_ref().map(day).transpose()?,
            ..Asked::new(report, Period::parse(&self.from, &self.to)?)
        })
    }

    fn explain(&self) -> Explain {
        if self.explain == Some(true) { Explain::Yes } else { Explain::No }
    }

    fn form(&self, caller: Caller) -> Form {
        match (self.format, caller) {
            (None | Some(FormatWord::Json), _) => Form::Json,
            (Some(FormatWord::Csv), Caller::Program) => Form::Csv(Bom::Without),
            (Some(FormatWord::Csv), Caller::Browser) => Form::Csv(Bom::With),
            (Some(FormatWord::Xlsx), _) => Form::Xlsx,
        }
    }
}

/// A report.
///
/// The same as `fuwu report` writes, byte for byte. A number that is not known yet is `null`, never 0.
#[utoipa::path(
    get,
    path = "/api/v1/reports/{name}",
    tag = "reports",
    params(("name" = String, Path, description = "Which report.", example = "activity"), Wanted),
    responses(
        (status = 200, description = "The report.", content(
            (Report = "application/json"), (String = "text/csv"),
            (String = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        )),
        (status = 400, description = "It cannot be asked so.", body = FaultBody),
        (status = 401, description = "Not authorized.", body = FaultBody),
        (status = 404, description = "No such report or account.", body = FaultBody),
        (status = 503, description = "The store is not available now.", body = FaultBody),
    ),
    security(("bearer" = []), ("console" = []))
)]
async fn report(
    authorized: Authorized,
    state: Data<State>,
    name: Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Fault> {
    let report = name.parse::<ReportName>().map_err(|unknown| Fault::told(&unknown).of_missing())?;
    let wanted = Wanted::read(request.query_string())?;
    let asked = wanted.asked(report).map_err(|error| Fault::told(&error))?;
    let (form, explain) = (wanted.form(authorized.caller), wanted.explain());
    form.holds(explain).map_err(|error| Fault::told(&error))?;
    let account = account(&state, wanted.account.as_deref())?;
    let bytes = bytes(&state, (account, &asked), (form, explain)).await?;
    let mut answer = HttpResponse::Ok();
    answer.content_type(media_type(form)).insert_header(("Cache-Control", "no-store"));
    answer.insert_header(("X-Content-Type-Options", "nosniff"));
    if form != Form::Json {
        let name = DispositionParam::Filename(form.file_name(report, asked.period));
        answer.insert_header(ContentDisposition { disposition: DispositionType::Attachment, parameters: vec![name] });
    }
    Ok(answer.body(bytes))
}

async fn bytes(
    state: &State,
    (account, asked): (&ServedAccount, &Asked),
    how: (Form, Explain),
) -> Result<Vec<u8>, Fault> {
    let (playbook, clock) = (account.playbook(), state.app.as_of());
    let context = state.app.report_context(account);
    let table = match read_report(state.app.store().as_ref(), account.id(), (asked, clock), &context).await {
        Ok(table) => table,
        Err(ReportFault::Asked(error)) => return Err(Fault::told(&error)),
        Err(error @ ReportFault::Store(_)) => return Err(Fault::store(&error)),
    };
    known_channel(asked.channel.as_ref(), &table, &playbook.channels).map_err(|error| Fault::told(&error))?;
    let meta =
        Meta { account: account.id().clone(), playbook: playbook.version.clone(), as_of: asked.moment(clock).now };
    written(&table, &meta, how).map_err(|error| Fault::broken(&error))
}

pub(super) fn account<'a>(state: &'a State, named: Option<&str>) -> Result<&'a ServedAccount, Fault> {
    let all = || state.app.accounts().map(|account| account.id().as_str()).collect::<Vec<_>>().join(", ");
    let mut accounts = state.app.accounts();
    match (named, accounts.next(), accounts.next()) {
        (Some(id), ..) => {
            let found = state.app.account(id).map(AsRef::as_ref);
            found.ok_or_else(|| Fault::missing(format!("there is no account `{id}`"), format!("there are: {}", all())))
        }
        (None, Some(only), None) => Ok(only),
        _ => Err(Fault::misused("several accounts are configured", format!("choose one with account=: {}", all()))),
    }
}

fn media_type(form: Form) -> &'static str {
    match form {
        Form::Json => "application/json",
        Form::Csv(_) => "text/csv; charset=utf-8",
        Form::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    }
}
