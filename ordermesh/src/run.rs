//! Runs what the command line asked for and turns the outcome into an exit code and one line.

use std::{
    io::{self, IsTerminal as _, Write as _},
    process::ExitCode,
};

use runtime::{
    SettingError, Settings,
    settings::{Effective, Sources},
};

use crate::{
    all_in_one, alone,
    cli::{Command, Invocation},
    demo,
    failure::Failure,
    operator,
    output::{print, print_json},
    role, rules, verify,
};

/// The whole program after the command line is parsed.
#[must_use]
pub fn main(invocation: &Invocation) -> ExitCode {
    match try_main(invocation) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Nothing is left to do when even stderr is gone.
            let _ = writeln!(io::stderr(), "ordermesh: {failure}");
            ExitCode::from(match failure {
                Failure::Usage(_) => 2,
                Failure::Running(_) => 1,
            })
        }
    }
}

fn try_main(invocation: &Invocation) -> Result<(), Failure> {
    let mut sources = Sources::of_process()?;
    sources.flags.clone_from(&invocation.flags);
    sources.file.clone_from(&invocation.config_file);
    let settings = Settings::load(&sources)?;
    if invocation.command == Command::Config {
        return print_config(&settings, invocation.json);
    }
    rules::check(&settings)?;
    if let Command::Role(role) = invocation.command {
        role::check_available(role, &settings)?;
    }
    let settings = match &invocation.command {
        // An operator reads one clear line; the log of what was tried is for those who ask for it.
        Command::Operator(_) if !settings.is_set("LOG_LEVEL") => settings.with("LOG_LEVEL", "off"),
        _ => settings,
    };
    let _logs = start_logs(&settings)?;
    if let Some(point) = settings.text("CRASH_AT") {
        common::crash::arm(point);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Running(format!("could not start the runtime: {error}")))?;
    runtime.block_on(dispatch(invocation, settings))
}

async fn dispatch(invocation: &Invocation, settings: Settings) -> Result<(), Failure> {
    match &invocation.command {
        Command::Up => all_in_one::run(settings).await,
        Command::Role(role) => alone::run(*role, settings).await,
        Command::Demo => demo::run(settings, invocation.json).await,
        Command::Verify => verify::run(&settings, invocation.json).await,
        Command::Config => Ok(()),
        Command::Operator(operation) => operator::run(operation, &settings, invocation.json).await,
    }
}

/// What it returns writes the last lines when it is dropped.
fn start_logs(settings: &Settings) -> Result<telemetry::logs::Logs, Failure> {
    let format = match settings.text("LOG_FORMAT") {
        Some("text") => telemetry::logs::Format::Text,
        Some(_) => telemetry::logs::Format::Json,
        None if io::stderr().is_terminal() => telemetry::logs::Format::Text,
        None => telemetry::logs::Format::Json,
    };
    telemetry::logs::init(settings.text("LOG_LEVEL").unwrap_or("info"), format)
        .map_err(|problem| SettingError::new("LOG_LEVEL", problem).into())
}

fn print_config(settings: &Settings, json: bool) -> Result<(), Failure> {
    let effective = settings.effective();
    if json {
        return print_json(&effective);
    }
    let width = effective.iter().map(|row| row.name.len()).max().unwrap_or(0);
    let line = |row: &Effective| {
        let value = row.value.as_deref().unwrap_or("-");
        format!("{:width$}  {value}  ({})\n", row.name, row.origin)
    };
    print(&effective.iter().map(line).collect::<String>())
}
