//! `fuwu schema`: JSON Schemas of the playbook's files, so that editors complete and check while one writes.

use std::io::{self, Write};
use std::path::Path;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::config::playbook::{
    ChannelsFile, ConnectorsFile, KeywordsFile, NoticesFile, PoolsFile, kinds as kinds_of_files,
};
use crate::domain::actions::{Campaign, Kind};
use crate::domain::menu::{BUTTON_TYPES, Menu};
use crate::domain::playbook::Moments;

/// Every schema by its file name.
pub fn schemas() -> Vec<(&'static str, Value)> {
    vec![
        ("actions.schema.json", actions()),
        ("keywords.schema.json", of::<KeywordsFile>("keywords.toml：哪些话对应哪个动作")),
        ("moments.schema.json", of::<Moments>("moments.toml：关注、扫码、听不懂时用哪个动作")),
        ("connectors.schema.json", of::<ConnectorsFile>("connectors.toml：怎样向业务系统提问")),
        ("channels.schema.json", of::<ChannelsFile>("channels.toml：客户从哪里来，按二维码的场景值分渠道")),
        ("notices.schema.json", of::<NoticesFile>("notices.toml：客户没有打开的对话窗口时，用哪种通知告诉他办理结果")),
        ("campaign.schema.json", of::<Campaign>("campaigns/*.toml：拉新活动，一个文件一个活动")),
        ("pools.schema.json", of::<PoolsFile>("pools.toml 和 pools/*.toml：数量有限的东西，例如号码、库存")),
        ("menu.schema.json", menu()),
    ]
}

/// Writes the schemas into the folder `into`, or all of them to `out` as one JSON object by file name.
pub fn run(into: Option<&Path>, out: &mut dyn Write) -> io::Result<u8> {
    let Some(folder) = into else {
        let all: Map<String, Value> = schemas().into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect();
        writeln!(out, "{}", printed(&Value::Object(all)))?;
        return Ok(0);
    };
    std::fs::create_dir_all(folder)?;
    for (name, schema) in schemas() {
        let path = folder.join(name);
        std::fs::write(&path, printed(&schema) + "\n")?;
        writeln!(out, "{}", path.display())?;
    }
    Ok(0)
}

fn printed(schema: &Value) -> String {
    format!("{schema:#}")
}

fn generator() -> SchemaGenerator {
    SchemaSettings::draft07().into_generator()
}

fn of<T: JsonSchema>(title: &str) -> Value {
    titled(generator().into_root_schema_for::<T>().to_value(), title)
}

fn titled(mut schema: Value, title: &str) -> Value {
    if let Some(table) = schema.as_object_mut() {
        table.insert("title".into(), title.into());
    }
    schema
}

/// Every entry is one of the kinds, told apart by `kind`.
fn actions() -> Value {
    let mut generator = generator();
    let kinds: Vec<Value> =
        kinds_of_files().filter_map(|name| Some(tagged(name, Kind::schema(name, &mut generator)?))).collect();
    let definitions = Value::Object(generator.take_definitions(true));
    let kinds = json!({
        "type": "object",
        "required": ["kind"],
        "properties": {"kind": {"enum": kinds_of_files().collect::<Vec<_>>()}},
        "oneOf": kinds,
    });
    let mut schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "actions.toml 和 actions/*.toml：动作，菜单的 key 就是它的名称",
        "type": "object",
        "additionalProperties": kinds,
    });
    if definitions.as_object().is_some_and(|definitions| !definitions.is_empty())
        && let Some(table) = schema.as_object_mut()
    {
        table.insert("definitions".into(), definitions);
    }
    schema
}

/// The settings of a kind together with its `kind`.
fn tagged(name: &str, kind: schemars::Schema) -> Value {
    let mut schema = kind.to_value();
    if let Some(table) = schema.as_object_mut() {
        let tag = json!({"const": name});
        if let Some(properties) = table.entry("properties").or_insert_with(|| json!({})).as_object_mut() {
            properties.insert("kind".into(), tag);
        }
        if let Some(required) = table.entry("required").or_insert_with(|| json!([])).as_array_mut() {
            required.insert(0, "kind".into());
        }
    }
    schema
}

/// The menu with the platform's types of button.
fn menu() -> Value {
    let mut schema = of::<Menu>("菜单，与平台的菜单 JSON 完全一致；key 是动作的名称");
    if let Some(kind) = schema.pointer_mut("/definitions/Button/properties/type").and_then(Value::as_object_mut) {
        kind.insert("enum".into(), BUTTON_TYPES.iter().map(|(name, _)| *name).collect());
    }
    schema
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn the_committed_schemas_are_those_of_the_code() {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("config/schema");
        for (name, schema) in schemas() {
            let committed = std::fs::read_to_string(folder.join(name)).unwrap_or_default();
            let fresh = printed(&schema) + "\n";
            assert!(committed == fresh, "{name} is stale; renew it with: cargo run -- schema --out config/schema");
        }
    }

    #[test]
    fn every_file_of_the_playbook_names_its_schema() {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let mut named = 0;
        for folder in ["config/playbook", "config/playbook/actions", "menus"] {
            for file in std::fs::read_dir(root.join(folder)).unwrap().map(|entry| entry.unwrap().path()) {
                if file.is_dir() {
                    continue;
                }
                let text = std::fs::read_to_string(&file).unwrap();
                let menu = || serde_json::from_str::<Value>(&text).ok()?["$schema"].as_str().map(str::to_owned);
                let first = text.lines().next().and_then(|line| line.strip_prefix("#:schema ")).map(str::to_owned);
                let schema = first.or_else(menu).unwrap_or_else(|| panic!("{} names no schema", file.display()));
                let there = file.parent().unwrap().join(&schema).canonicalize().unwrap();
                assert!(schemas().iter().any(|(name, _)| there.ends_with(name)), "{schema}");
                named += 1;
            }
        }
        assert!(named >= 5);
    }

    #[test]
    fn every_kind_has_a_schema_that_names_it() {
        let schema = actions();
        let kinds = schema.pointer("/additionalProperties/oneOf").unwrap().as_array().unwrap();
        let names: Vec<&str> =
            kinds.iter().map(|kind| kind.pointer("/properties/kind/const").unwrap().as_str().unwrap()).collect();
        assert_eq!(names, kinds_of_files().collect::<Vec<_>>());
        assert!(!names.contains(&"campaign"), "it has files of its own");
        assert!(kinds.iter().all(|kind| kind["required"][0] == "kind" && kind["type"] == "object"));
    }

    #[test]
    fn every_reference_in_a_schema_leads_somewhere() {
        fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
            match value {
                Value::Object(table) => {
                    found.extend(table.get("$ref").and_then(Value::as_str));
                    table.values().for_each(|inner| references(inner, found));
                }
                Value::Array(list) => list.iter().for_each(|inner| references(inner, found)),
                _ => {}
            }
        }
        for (name, schema) in schemas() {
            let mut found = Vec::new();
            references(&schema, &mut found);
            for reference in found {
                assert!(schema.pointer(&reference[1..]).is_some(), "{name}: {reference}");
            }
        }
    }

    #[test]
    fn schemas_are_written_into_a_folder_or_printed_together() {
        let folder = tempfile::tempdir().unwrap();
        let mut out = Vec::new();
        assert_eq!(run(Some(&folder.path().join("new")), &mut out).unwrap(), 0);
        assert_eq!(String::from_utf8(out).unwrap().lines().count(), schemas().len());
        assert!(folder.path().join("new/menu.schema.json").is_file());
        let mut out = Vec::new();
        run(None, &mut out).unwrap();
        let all: Value = serde_json::from_slice(&out).unwrap();
        assert!(all["moments.schema.json"]["properties"]["fallback"].is_object());
        let types = all["menu.schema.json"]["definitions"]["Button"]["properties"]["type"]["enum"].as_array();
        assert_eq!(types.unwrap().len(), BUTTON_TYPES.len());
    }
}
