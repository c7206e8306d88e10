//! Settings: one table of names, kinds and defaults; flags over environment over `.env` over file; checked once.

mod kind;
mod sources;
mod table;

use std::{collections::BTreeMap, fmt, str::FromStr};

use thiserror::Error;

pub use kind::Kind;
pub use sources::Sources;
pub use table::{SETTINGS, Setting};

/// One line that names the setting, what is wrong with it and an example.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{name}: {problem}; for example {example}")]
pub struct SettingError {
    pub name: String,
    pub problem: String,
    pub example: String,
}

impl SettingError {
    /// A fault of a setting of the table, with the table's own example.
    pub fn new(name: &str, problem: impl Into<String>) -> Self {
        let example = table::find(name).map_or_else(String::new, |s| format!("{}={}", s.name, s.example));
        Self { name: name.to_owned(), problem: problem.into(), example }
    }
}

/// Where a value came from, for `ordermesh config`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    Default,
    File(String),
    DotEnv,
    /// The environment variable that was read: the name itself, an alias, or the name with `_FILE`.
    Environment(String),
    Flag,
    /// Set by the program itself, for tests and for addresses that are known only when bound.
    Program,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "file {path}"),
            Self::DotEnv => f.write_str(".env"),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Flag => f.write_str("flag"),
            Self::Program => f.write_str("program"),
        }
    }
}

#[derive(Clone, Debug)]
struct Value {
    text: String,
    origin: Origin,
}

/// The effective settings: every name of the table that has a value, and where it came from.
#[derive(Clone, Default)]
pub struct Settings {
    values: BTreeMap<&'static str, Value>,
}

/// One line of `ordermesh config`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Effective {
    pub name: &'static str,
    /// `None`: unset. Secrets are hidden.
    pub value: Option<String>,
    pub origin: String,
}

impl Settings {
    /// The defaults alone.
    #[must_use]
    pub fn defaults() -> Self {
        let defaults = SETTINGS.iter().filter_map(|s| Some((s.name, s.default?)));
        let value = |text: &str| Value { text: text.to_owned(), origin: Origin::Default };
        Self { values: defaults.map(|(name, text)| (name, value(text))).collect() }
    }

    /// Resolves the sources, checks every value, and stops at the first that is wrong.
    pub fn load(sources: &Sources) -> Result<Self, SettingError> {
        sources::resolve(sources)
    }

    /// Sets a value of the table from within the program.
    ///
    /// # Panics
    /// When the table has no such name: a mistake in the code.
    #[must_use]
    pub fn with(mut self, name: &str, text: impl Into<String>) -> Self {
        self.set(name, text.into(), Origin::Program);
        self
    }

    fn set(&mut self, name: &str, text: String, origin: Origin) {
        let setting = table::find(name).expect("a name of the settings table");
        self.values.insert(setting.name, Value { text, origin });
    }

    /// The text of a setting, its default included; `None` when it is unset or empty.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(|value| value.text.as_str()).filter(|text| !text.is_empty())
    }

    /// Whether someone set it: it is not the default.
    #[must_use]
    pub fn is_set(&self, name: &str) -> bool {
        self.values.get(name).is_some_and(|value| value.origin != Origin::Default && !value.text.is_empty())
    }

    /// The parsed value; `None` when it is unset.
    pub fn get<T: FromStr>(&self, name: &str) -> Result<Option<T>, SettingError>
    where
        T::Err: fmt::Display,
    {
        let Some(text) = self.text(name) else { return Ok(None) };
        text.parse().map(Some).map_err(|error| SettingError::new(name, format!("{text:?}: {error}")))
    }

    /// The parsed value of a setting that must be there.
    pub fn require<T: FromStr>(&self, name: &str) -> Result<T, SettingError>
    where
        T::Err: fmt::Display,
    {
        self.get(name)?.ok_or_else(|| SettingError::new(name, "is not set"))
    }

    /// A switch; off when it is unset.
    pub fn switch(&self, name: &str) -> Result<bool, SettingError> {
        let Some(text) = self.text(name) else { return Ok(false) };
        kind::parse_switch(text).map_err(|problem| SettingError::new(name, problem))
    }

    /// The parts of a comma-separated list; empty when it is unset.
    #[must_use]
    pub fn list(&self, name: &str) -> Vec<String> {
        let parts = self.text(name).into_iter().flat_map(|text| text.split(','));
        parts.map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
    }

    /// Every setting with its value and origin, secrets hidden.
    #[must_use]
    pub fn effective(&self) -> Vec<Effective> {
        SETTINGS.iter().map(|setting| self.describe(setting)).collect()
    }

    fn describe(&self, setting: &'static Setting) -> Effective {
        let value = self.values.get(setting.name);
        Effective {
            name: setting.name,
            value: value.map(|v| if setting.is_secret() { "(hidden)".to_owned() } else { v.text.clone() }),
            origin: value.map_or_else(|| "unset".to_owned(), |v| v.origin.to_string()),
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.effective()).finish()
    }
}
