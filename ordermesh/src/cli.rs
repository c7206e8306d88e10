//! The command line: one flag per setting of the table, one subcommand per thing the program does.

use std::{collections::BTreeMap, ffi::OsString, path::PathBuf};

use clap::{Arg, ArgAction, ArgMatches, value_parser};
use runtime::settings::{Kind, SETTINGS, Setting};

use crate::{
    operator::{Operation, command},
    role::Role,
};

/// What the program was asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Everything in one process.
    Up,
    /// One role in a process of its own.
    Role(Role),
    Demo,
    Verify,
    Config,
    /// What an operator asks a mesh.
    Operator(Operation),
}

/// A parsed command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    pub command: Command,
    /// Settings given as flags, by their names.
    pub flags: BTreeMap<String, String>,
    pub config_file: Option<PathBuf>,
    pub json: bool,
}

const ABOUT: &str =
    "The order pipeline of a restaurant: orders, payments, stock and kitchen as a service mesh.";

const EXAMPLES: &str = "\
Examples:
  ordermesh                          everything in one process on the documented ports
  ordermesh --http-addr 127.0.0.1:0  the same on any free HTTP port
  ordermesh demo                     walk one order from the menu to the collected meal
  ordermesh verify                   check the ledger and the invariants of DATA_DIR
  ordermesh config --json            the effective settings and where each came from
  ordermesh doctor                   check every dependency and say what to fix
  ordermesh ps                       services and their instances
  ordermesh order ord_…              everything about one order
  ordermesh dlq list                 events that no handler could take; `dlq --help` says what to do with them

Settings: each flag is also an environment variable and a line of .env (HTTP_ADDR) and a key of --config FILE
(http_addr). Flags win over the environment, that over .env, that over the file. A secret may be read from a file:
STRIPE_SECRET_KEY_FILE=/run/secrets/stripe.

Exit codes: 0 a clean stop, 1 a failure while running, 2 settings or usage.";

/// Parses a command line; the error prints its own usage text and exits.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Invocation, clap::Error> {
    command().try_get_matches_from(args).map(|matches| invocation(&matches))
}

fn command() -> clap::Command {
    let mut command = clap::Command::new("ordermesh")
        .version(env!("CARGO_PKG_VERSION"))
        .about(ABOUT)
        .after_help(EXAMPLES)
        .arg(config_arg())
        .arg(json_arg())
        .args(SETTINGS.iter().map(setting_arg))
        .subcommand(clap::Command::new("up").about("Run everything in one process (the default)"));
    for role in Role::ALL {
        command = command.subcommand(clap::Command::new(role.name()).about(role.about()));
    }
    command
        .subcommand(
            clap::Command::new("demo")
                .about("Walk one order through every step, printing each with its duration"),
        )
        .subcommand(clap::Command::new("verify").about(
            "Check the ledger and the invariants of DATA_DIR; 0 clean, 1 broken, 2 no folder or locked",
        ))
        .subcommand(
            clap::Command::new("config").about("Print the effective settings and where each came from"),
        )
        .subcommands(command::commands())
}

fn config_arg() -> Arg {
    Arg::new("config")
        .long("config")
        .value_name("FILE")
        .value_parser(value_parser!(PathBuf))
        .global(true)
        .help("a TOML file of settings")
}

fn json_arg() -> Arg {
    Arg::new("json").long("json").action(ArgAction::SetTrue).global(true).help("print data as JSON")
}

fn setting_arg(setting: &Setting) -> Arg {
    let default = setting.default.map_or_else(String::new, |text| format!(" [{text}]"));
    let arg = Arg::new(setting.name)
        .long(setting.flag())
        .value_name(value_name(setting.kind))
        .global(true)
        .help(format!("{}{default}", setting.help))
        .help_heading("Settings");
    match setting.kind {
        Kind::Switch => arg.num_args(0..=1).require_equals(true).default_missing_value("on"),
        _ => arg,
    }
}

fn value_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Bind => "IP:PORT",
        Kind::HostPort => "HOST:PORT",
        Kind::HostPorts => "HOST:PORT,…",
        Kind::Url => "URL",
        Kind::Text | Kind::Secret => "TEXT",
        Kind::Switch => "on|off",
        Kind::Number { .. } => "N",
        Kind::Choice(_) => "WORD",
    }
}

fn invocation(matches: &ArgMatches) -> Invocation {
    let (name, inner) = matches.subcommand().map_or(("up", matches), |(name, inner)| (name, inner));
    let flag =
        |setting: &Setting| Some((setting.name.to_owned(), inner.get_one::<String>(setting.name)?.clone()));
    Invocation {
        command: command_named(name, inner),
        flags: SETTINGS.iter().filter_map(flag).collect(),
        config_file: inner.get_one::<PathBuf>("config").cloned(),
        json: inner.get_flag("json"),
    }
}

fn command_named(name: &str, inner: &ArgMatches) -> Command {
    match name {
        "demo" => Command::Demo,
        "verify" => Command::Verify,
        "config" => Command::Config,
        name => match command::operation(name, inner) {
            Some(operation) => Command::Operator(operation),
            None => Role::parse(name).map_or(Command::Up, Command::Role),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operator::{Dlq, Which};

    fn parsed(line: &str) -> Invocation {
        parse(line.split(' ').map(OsString::from)).unwrap()
    }

    #[test]
    fn the_command_line_is_well_formed() {
        command().debug_assert();
    }

    #[test]
    fn flags_may_stand_before_and_after_the_command() {
        let before = parsed("ordermesh --http-addr 127.0.0.1:0 --insecure gateway --json");
        assert_eq!(before.command, Command::Role(Role::Gateway));
        assert_eq!(before.flags["HTTP_ADDR"], "127.0.0.1:0");
        assert_eq!(before.flags["INSECURE"], "on");
        assert!(before.json);
        assert_eq!(parsed("ordermesh").command, Command::Up);
        assert_eq!(parsed("ordermesh verify --data-dir x").flags["DATA_DIR"], "x");
    }

    #[test]
    fn operators_name_what_they_mean_and_flags_reach_the_innermost_command() {
        let purge = parsed("ordermesh --http-addr 127.0.0.1:1 dlq purge stock.orders 41 --json");
        let (queue, which) = ("stock.orders".to_owned(), Which::One("41".to_owned()));
        assert_eq!(purge.command, Command::Operator(Operation::Dlq(Dlq::Purge { queue, which })));
        assert_eq!((purge.flags["HTTP_ADDR"].as_str(), purge.json), ("127.0.0.1:1", true));
        let url = parsed("ordermesh dlq list --public-url http://localhost:1");
        assert_eq!(url.command, Command::Operator(Operation::Dlq(Dlq::List(None))));
        assert_eq!(url.flags["PUBLIC_URL"], "http://localhost:1");
        for line in ["ordermesh dlq replay stock.orders", "ordermesh dlq purge q 1 --all", "ordermesh order"]
        {
            assert_eq!(parse(line.split(' ').map(OsString::from)).unwrap_err().exit_code(), 2, "{line}");
        }
    }

    #[test]
    fn an_unknown_flag_or_command_is_a_usage_error() {
        for line in ["ordermesh --nonsense", "ordermesh nonsense"] {
            assert_eq!(parse(line.split(' ').map(OsString::from)).unwrap_err().exit_code(), 2, "{line}");
        }
    }
}
