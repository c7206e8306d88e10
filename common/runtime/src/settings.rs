//! Settings: one table of names, defaults and texts; flags over environment over `.env` over file; parsed once.

use std::{collections::BTreeMap, fmt, str::FromStr};

use thiserror::Error;

/// One line that names the setting, what is wrong with it and an example.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{name}: {problem}; for example {name}={example}")]
pub struct SettingError {
    pub name: String,
    pub problem: String,
    pub example: String,
}

/// The effective settings: every name with its text and where it came from.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    values: BTreeMap<&'static str, String>,
}

impl Settings {
    /// The text of a setting, its default included; `None` when it is unset.
    #[must_use]
    pub fn text(&self, name: &'static str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// The parsed value; `None` when it is unset.
    pub fn get<T: FromStr>(&self, name: &'static str) -> Result<Option<T>, SettingError>
    where
        T::Err: fmt::Display,
    {
        let Some(text) = self.text(name) else { return Ok(None) };
        text.parse().map(Some).map_err(|error| SettingError {
            name: name.to_owned(),
            problem: format!("{text:?}: {error}"),
            example: String::new(),
        })
    }
}
