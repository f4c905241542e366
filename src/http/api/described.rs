//! The shape of every report, described from the columns of the report itself.

use utoipa::openapi::schema::{AdditionalProperties, KnownFormat, SchemaType, Type};
use utoipa::openapi::{ArrayBuilder, ObjectBuilder, OneOfBuilder, Ref, RefOr, Schema, SchemaFormat};
use utoipa::{PartialSchema, ToSchema};

use crate::domain::time::BusinessDay;
use crate::growth::counters::Counters;
use crate::growth::lateness::Lateness;
use crate::growth::report::{AsOf, Asked, Column, ColumnKind, Context, Period, ReportName, build};

/// One of the reports.
pub struct Report;

impl PartialSchema for Report {
    fn schema() -> RefOr<Schema> {
        let all = ReportName::ALL.into_iter().map(|name| Ref::from_schema_name(component(name)));
        all.fold(OneOfBuilder::new(), OneOfBuilder::item).into()
    }
}

impl ToSchema for Report {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.extend(ReportName::ALL.into_iter().map(|name| (component(name), envelope(name))));
    }
}

/// `ActivityReport`.
fn component(name: ReportName) -> String {
    let mut letters = name.as_str().chars();
    let first = letters.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(letters).chain("Report".chars()).collect()
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn integer() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Integer).format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
}

fn day() -> ObjectBuilder {
    text().format(Some(SchemaFormat::KnownFormat(KnownFormat::Date)))
}

fn envelope(name: ReportName) -> RefOr<Schema> {
    let definition = text().pattern(Some(format!("^{}(\\.[a-z]+)?@[0-9]+$", name.as_str())));
    let changed = ObjectBuilder::new().property("day", day()).property("playbook", text());
    let mut column = ObjectBuilder::new();
    for key in ["name", "title", "meaning", "formula", "title_en", "meaning_en"] {
        column = column.property(key, text()).required(key);
    }
    ObjectBuilder::new()
        .description(Some(name.title()))
        .property("report", definition.description(Some("The definition: name and version.")))
        .property("account", text())
        .property("zone", text().enum_values(Some(["+08:00"])))
        .property("as_of", integer().description(Some("When the numbers were read, in Unix seconds.")))
        .property("playbook", text().description(Some("The version of the playbook in force.")))
        .property("rows", ArrayBuilder::new().items(row(name)))
        .property("small_print", list(text(), "What whoever reads it should know."))
        .property("playbooks", list(changed, "The playbooks of the period, by the first day that each answered on."))
        .property("columns", list(column, "The definitions; with `explain=true` only."))
        .required("report")
        .required("account")
        .required("zone")
        .required("as_of")
        .required("playbook")
        .required("rows")
        .into()
}

fn list(item: ObjectBuilder, what: &str) -> ArrayBuilder {
    ArrayBuilder::new().items(item).description(Some(what))
}

fn row(name: ReportName) -> ObjectBuilder {
    let told = "With `compare=previous` or `by=…` there are more columns.";
    let mut row = ObjectBuilder::new().description(Some(told));
    for column in columns(name) {
        let kind = match column.kind {
            ColumnKind::Day => day(),
            ColumnKind::State => text().enum_values(Some(["open", "provisional", "closed", "sealed"])),
            ColumnKind::Number => integer().schema_type(SchemaType::from_iter([Type::Integer, Type::Null])),
            ColumnKind::Text => text().schema_type(SchemaType::from_iter([Type::String, Type::Null])),
        };
        row = row.property(&*column.name, kind.description(Some(told_of(&column))));
        // Cohorts of a week have weeks in place of days.
        if !is_nth_day(&column.name) {
            row = row.required(&*column.name);
        }
    }
    let term = ObjectBuilder::new().property("what", text()).property("count", integer());
    let terms = ObjectBuilder::new()
        .description(Some("With `explain=true` only: by column, the integers that the number is the sum of."))
        .additional_properties(Some(AdditionalProperties::RefOr(ArrayBuilder::new().items(term).into())));
    row.property("explain", terms)
}

fn is_nth_day(name: &str) -> bool {
    name.strip_prefix('d').is_some_and(|n| n.parse::<u8>().is_ok())
}

fn told_of(column: &Column) -> String {
    if column.meaning.is_empty() { column.title.to_string() } else { format!("{}：{}", column.title, column.meaning) }
}

/// The columns of the plain report; they depend on no number.
fn columns(name: ReportName) -> Vec<Column> {
    let day = BusinessDay(0);
    let Ok(period) = Period::new(day, day) else { return Vec::new() };
    build(
        &Asked::new(name, period),
        AsOf { now: day.start(), lateness: Lateness::default() },
        &Counters::default(),
        &Context::default(),
    )
    .columns
}
