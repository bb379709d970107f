//! `name=value` on the command line, made settings of an app. Names and types are those of
//! [`Settings`], so a new setting needs nothing here.

use bellwire_hub::Settings;
use serde_json::{Map, Value};

use super::failure::Failure;

/// The settings with these assignments, one after the other.
pub(super) fn assigned(settings: &Settings, assignments: &[String]) -> Result<Settings, Failure> {
    let mut settings = settings.clone();
    for assignment in assignments {
        let Some((name, text)) = assignment.split_once('=') else {
            return Err(Failure::usage(format!(
                "{assignment:?} is no setting: expected name=value"
            ))
            .hint("for example client_events=true"));
        };
        settings = with(&settings, name.trim(), text.trim())?;
    }
    settings.check().map_err(Failure::usage)?;
    Ok(settings)
}

/// Every setting with its value.
pub(super) fn values(settings: &Settings) -> Map<String, Value> {
    match serde_json::to_value(settings) {
        Ok(Value::Object(values)) => values,
        _ => Map::new(),
    }
}

/// A value as one writes it on the command line.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(list) => list.iter().map(text).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

fn with(settings: &Settings, name: &str, text: &str) -> Result<Settings, Failure> {
    let mut values = values(settings);
    let Some(before) = values.get(name) else {
        let known: Vec<&str> = values.keys().map(String::as_str).collect();
        return Err(Failure::usage(format!("there is no setting {name:?}"))
            .hint(format!("the settings are {}", known.join(", "))));
    };
    let (value, expected) = typed(before, text);
    values.insert(name.to_owned(), value);
    serde_json::from_value(Value::Object(values))
        .map_err(|_| Failure::usage(format!("{name}={text}: expected {expected}")))
}

/// The text in the type that the setting has, or as it is for serde to refuse, and what was expected.
fn typed(before: &Value, text: &str) -> (Value, &'static str) {
    let as_it_is = || Value::String(text.to_owned());
    match before {
        Value::Bool(_) => (text.parse().map_or_else(|_| as_it_is(), Value::Bool), "true or false"),
        Value::Number(_) => {
            let number = text.parse::<u64>().map_or_else(|_| as_it_is(), Value::from);
            (number, "a whole number, neither negative nor too large")
        }
        Value::Array(_) => {
            let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
            (Value::Array(parts.map(Value::from).collect()), "a list like a,b")
        }
        _ => (as_it_is(), "a text"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(assignments: &[&str]) -> Result<Settings, String> {
        let assignments: Vec<String> = assignments.iter().map(|&text| text.to_owned()).collect();
        assigned(&Settings::default(), &assignments).map_err(|failure| format!("{failure:?}"))
    }

    #[test]
    fn every_setting_can_be_written_as_it_is_shown() {
        for (name, value) in values(&Settings::default()) {
            let same = set(&[&format!("{name}={}", text(&value))]).unwrap();
            assert_eq!(same, Settings::default(), "{name}");
        }
    }

    #[test]
    fn a_value_has_the_type_of_its_setting() {
        let settings = set(&[
            "name=a = b",
            "client_events=true",
            "max_connections=5",
            "allowed_origins=https://a.example, *.b.example",
        ])
        .unwrap();
        assert_eq!(settings.name, "a = b");
        assert!(settings.client_events);
        assert_eq!(settings.max_connections, 5);
        assert_eq!(settings.allowed_origins, ["https://a.example", "*.b.example"]);
        assert!(set(&["allowed_origins="]).unwrap().allowed_origins.is_empty());
    }

    #[test]
    fn a_wrong_name_type_or_range_has_its_sentence() {
        for (assignment, words) in [
            ("client_event=true", "client_events"),
            ("client_events=yes", "true or false"),
            ("max_connections=-1", "whole number"),
            ("max_connections=", "whole number"),
            ("max_client_events_per_s=5000000000", "too large"),
            ("cache_ttl_s=0", "1 to 1800"),
            ("client_events", "name=value"),
        ] {
            let failure = set(&[assignment]).unwrap_err();
            assert!(failure.contains("Usage") && failure.contains(words), "{failure}");
        }
    }
}
