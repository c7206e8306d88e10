//! Where settings come from, and which source wins.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use super::{Origin, SETTINGS, Setting, SettingError, Settings};

/// The raw sources, gathered once by the program.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// Flags by the setting's name.
    pub flags: BTreeMap<String, String>,
    pub environment: BTreeMap<String, String>,
    /// The pairs of `.env`.
    pub dot_env: BTreeMap<String, String>,
    /// The file of `--config`.
    pub file: Option<PathBuf>,
}

impl Sources {
    /// The process's environment and the `.env` of the working folder; flags and file are the caller's to add.
    /// Variables that are not UTF-8 are none of ours.
    pub fn of_process() -> Result<Self, SettingError> {
        let environment =
            std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)));
        Ok(Self {
            environment: environment.collect(),
            dot_env: read_dot_env(Path::new(".env"))?,
            ..Self::default()
        })
    }
}

/// Reads the pairs of a `.env` file; none when there is no file.
fn read_dot_env(path: &Path) -> Result<BTreeMap<String, String>, SettingError> {
    if !path.exists() {
        return Ok(BTreeMap::new());
    }
    let pairs = dotenvy::from_path_iter(path).and_then(Iterator::collect::<Result<_, _>>);
    pairs.map_err(|error| SettingError {
        name: ".env".to_owned(),
        problem: error.to_string().lines().collect::<Vec<_>>().join(" "),
        example: "HTTP_ADDR=127.0.0.1:8080".to_owned(),
    })
}

pub(super) fn resolve(sources: &Sources) -> Result<Settings, SettingError> {
    let file = sources.file.as_deref().map(read_file).transpose()?.unwrap_or_default();
    let file_name = sources.file.as_deref().map(|path| path.display().to_string()).unwrap_or_default();
    let mut settings = Settings::defaults();
    for setting in SETTINGS {
        let found = match sources.flags.get(setting.name) {
            Some(text) => Some((text.clone(), Origin::Flag)),
            None => from_variables(setting, sources)?.or_else(|| {
                file.get(&setting.key()).map(|text| (text.clone(), Origin::File(file_name.clone())))
            }),
        };
        if let Some((text, origin)) = found {
            check(setting, &text, &origin)?;
            settings.set(setting.name, text, origin);
        }
    }
    Ok(settings)
}

fn check(setting: &Setting, text: &str, origin: &Origin) -> Result<(), SettingError> {
    if text.is_empty() {
        return Ok(());
    }
    setting
        .kind
        .check(text)
        .map_err(|problem| SettingError::new(setting.name, format!("{problem} (from {origin})")))
}

/// The environment first, then `.env`; in each the name itself, then `NAME_FILE` for a secret. Aliases count in the
/// environment only.
fn from_variables(setting: &Setting, sources: &Sources) -> Result<Option<(String, Origin)>, SettingError> {
    let environment = |name: &str| Origin::Environment(name.to_owned());
    if let Some(found) = from_map(setting, &sources.environment, &environment)? {
        return Ok(Some(found));
    }
    let alias = setting
        .aliases
        .iter()
        .find_map(|name| Some((sources.environment.get(*name)?.clone(), environment(name))));
    match alias {
        Some(found) => Ok(Some(found)),
        None => from_map(setting, &sources.dot_env, &|_| Origin::DotEnv),
    }
}

fn from_map(
    setting: &Setting,
    map: &BTreeMap<String, String>,
    origin: &dyn Fn(&str) -> Origin,
) -> Result<Option<(String, Origin)>, SettingError> {
    let file_name = format!("{}_FILE", setting.name);
    let secret_file = setting.is_secret().then(|| map.get(&file_name)).flatten();
    match (map.get(setting.name), secret_file) {
        (Some(_), Some(_)) => {
            Err(SettingError::new(setting.name, format!("is set, and {file_name} too: keep one")))
        }
        (Some(text), None) => Ok(Some((text.clone(), origin(setting.name)))),
        (None, Some(path)) => match fs::read_to_string(path) {
            Ok(text) => Ok(Some((text.trim_end_matches(['\r', '\n']).to_owned(), origin(&file_name)))),
            Err(error) => Err(SettingError::new(setting.name, format!("{file_name}: {path}: {error}"))),
        },
        (None, None) => Ok(None),
    }
}

fn read_file(path: &Path) -> Result<BTreeMap<String, String>, SettingError> {
    let error = |problem: String| SettingError {
        name: format!("--config {}", path.display()),
        problem,
        example: "http_addr = \"127.0.0.1:8080\"".to_owned(),
    };
    let text = fs::read_to_string(path).map_err(|e| error(e.to_string()))?;
    let table: toml::Table = text.parse().map_err(|e: toml::de::Error| error(one_line(e.message())))?;
    table.into_iter().map(|(key, value)| Ok((key.clone(), file_text(&key, &value).map_err(error)?))).collect()
}

fn file_text(key: &str, value: &toml::Value) -> Result<String, String> {
    if !SETTINGS.iter().any(|setting| setting.key() == key) {
        return Err(format!("unknown key {key:?}"));
    }
    match value {
        toml::Value::String(text) => Ok(text.clone()),
        toml::Value::Integer(number) => Ok(number.to_string()),
        toml::Value::Boolean(switch) => Ok(switch.to_string()),
        _ => Err(format!("{key} must be a string, a whole number or a boolean")),
    }
}

fn one_line(text: &str) -> String {
    text.lines().map(str::trim).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn flags_win_over_environment_over_dot_env_over_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mesh.toml");
        fs::write(&file, "checkout_ttl_s = 2100\nreconcile_interval_s = 11\nhttp_addr = \"127.0.0.1:1\"\nlog_level = \"warn\"\n").unwrap();
        let sources = Sources {
            flags: map(&[("CHECKOUT_TTL_S", "2400")]),
            environment: map(&[
                ("CHECKOUT_TTL_S", "2300"),
                ("RECONCILE_INTERVAL_S", "13"),
                ("RUST_LOG", "debug"),
            ]),
            dot_env: map(&[("RECONCILE_INTERVAL_S", "12"), ("HTTP_ADDR", "127.0.0.1:2")]),
            file: Some(file),
        };
        let settings = Settings::load(&sources).unwrap();
        let texts = ["CHECKOUT_TTL_S", "RECONCILE_INTERVAL_S", "HTTP_ADDR", "LOG_LEVEL"]
            .map(|n| settings.text(n).unwrap());
        assert_eq!(texts, ["2400", "13", "127.0.0.1:2", "debug"]);
        assert!(!settings.is_set("DATA_DIR"));
    }

    #[test]
    fn a_bad_value_is_one_line_with_its_name_origin_and_an_example() {
        let sources = Sources { environment: map(&[("HTTP_ADDR", "nonsense")]), ..Sources::default() };
        let line = Settings::load(&sources).unwrap_err().to_string();
        assert_eq!(
            line,
            "HTTP_ADDR: \"nonsense\" is not an IP address and port (from environment HTTP_ADDR); for example HTTP_ADDR=127.0.0.1:8080"
        );
    }

    #[test]
    fn an_unknown_key_of_the_file_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mesh.toml");
        fs::write(&file, "htp_addr = \"127.0.0.1:1\"\n").unwrap();
        let error = Settings::load(&Sources { file: Some(file), ..Sources::default() }).unwrap_err();
        assert!(error.problem.contains("htp_addr"), "{error}");
    }

    #[test]
    fn a_secret_comes_from_a_file_keeps_its_digits_and_is_never_shown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        fs::write(&path, "12345\n").unwrap();
        let environment = map(&[("STRIPE_SECRET_KEY_FILE", path.to_str().unwrap())]);
        let settings = Settings::load(&Sources { environment, ..Sources::default() }).unwrap();
        assert_eq!(settings.text("STRIPE_SECRET_KEY"), Some("12345"));
        assert!(!format!("{settings:?}").contains("12345"));
    }
}
