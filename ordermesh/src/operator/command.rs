//! The operator commands on the command line.

use clap::{Arg, ArgAction, ArgGroup, ArgMatches, Command};

/// What an operator asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    Dlq(Dlq),
    Ps,
    /// One order, by its id.
    Order(String),
    Doctor,
}

/// What to do with dead letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dlq {
    /// Of one queue, or of all of them.
    List(Option<String>),
    Show {
        queue: String,
        id: String,
    },
    Replay {
        queue: String,
        which: Which,
    },
    Purge {
        queue: String,
        which: Which,
    },
}

/// Which dead letters of a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    One(String),
    All,
}

const DLQ_HELP: &str = "\
A message becomes a dead letter when its handler refused it for good, or failed on it six times in a row. An outage
makes none. Mend the cause first, then replay: the letter goes back to the end of its queue with a clean count, and
handling an event twice changes nothing. What can never be handled is purged.

  ordermesh dlq list                       every queue's dead letters, with their reasons
  ordermesh dlq show stock.orders 41       one of them, with the event
  ordermesh dlq replay stock.orders --all  all that were there when it began
  ordermesh dlq purge stock.orders 41      forget it

The running mesh is asked at PUBLIC_URL (HTTP_ADDR unless set); with RABBITMQ_URL, the broker itself.";

const PS_HELP: &str = "\
With CONSUL_ADDR, Consul's catalogue is asked; otherwise the gateway at PUBLIC_URL (HTTP_ADDR unless set), which shows
what it finds: `connected` is an instance that it has a connection to.";

const ORDER_HELP: &str = "\
The gateway at PUBLIC_URL (HTTP_ADDR unless set) asks orders, payments and kitchen. A part that cannot be had is named
with the reason; the order itself is all that is needed.";

const DOCTOR_HELP: &str = "\
Asks everything that is configured, all at once, each for at most 3 s: the gateway, the data folder, the payment
provider, Consul, RabbitMQ, MongoDB, the trace collector, the notifier, the clock. Nothing is changed, but that the
broker's queues are declared, as any service does it.
A warning is worth a look; a failure is what keeps the mesh from working, and makes the exit code 1.";

/// The subcommands.
pub(crate) fn commands() -> [Command; 4] {
    [
        dlq(),
        Command::new("ps")
            .about("List services and their instances, as the registry sees them")
            .after_help(PS_HELP),
        Command::new("order")
            .about("Show one order: state, lines, timeline, payment, ticket, trace")
            .after_help(ORDER_HELP)
            .arg(
                Arg::new("id")
                    .value_name("ID")
                    .required(true)
                    .help("such as ord_019a5c9b3f6b7d3e8a4b1c2d3e4f5a6b"),
            ),
        Command::new("doctor")
            .about("Check each dependency and say what to fix; 0 well, 1 something fails")
            .after_help(DOCTOR_HELP),
    ]
}

fn dlq() -> Command {
    Command::new("dlq")
        .about("List, show, replay and purge dead letters: events that no handler could take")
        .after_help(DLQ_HELP)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            Command::new("list").about("List dead letters, oldest first").arg(queue().required(false)),
        )
        .subcommand(
            Command::new("show").about("Show one with its event").args([queue(), id().required(true)]),
        )
        .subcommand(one_or_all("replay", "Put back into its queue, its failures forgotten"))
        .subcommand(one_or_all("purge", "Remove for good"))
}

fn one_or_all(name: &'static str, about: &'static str) -> Command {
    let all =
        Arg::new("all").long("all").action(ArgAction::SetTrue).help("all that are there when it begins");
    Command::new(name)
        .about(about)
        .args([queue(), id(), all])
        .group(ArgGroup::new("which").args(["id", "all"]).required(true))
}

fn queue() -> Arg {
    Arg::new("queue").value_name("QUEUE").required(true).help("such as stock.orders")
}

fn id() -> Arg {
    Arg::new("id").value_name("ID").help("as `dlq list` names it")
}

/// The operation of a subcommand; `None` when it is none of these.
pub(crate) fn operation(name: &str, matches: &ArgMatches) -> Option<Operation> {
    Some(match name {
        "dlq" => Operation::Dlq(dlq_of(matches)?),
        "ps" => Operation::Ps,
        "order" => Operation::Order(text(matches, "id")?),
        "doctor" => Operation::Doctor,
        _ => return None,
    })
}

fn dlq_of(matches: &ArgMatches) -> Option<Dlq> {
    let (name, inner) = matches.subcommand()?;
    Some(match name {
        "list" => Dlq::List(text(inner, "queue")),
        "show" => Dlq::Show { queue: text(inner, "queue")?, id: text(inner, "id")? },
        "replay" => Dlq::Replay { queue: text(inner, "queue")?, which: which(inner)? },
        "purge" => Dlq::Purge { queue: text(inner, "queue")?, which: which(inner)? },
        _ => return None,
    })
}

fn which(matches: &ArgMatches) -> Option<Which> {
    if matches.get_flag("all") { Some(Which::All) } else { text(matches, "id").map(Which::One) }
}

fn text(matches: &ArgMatches, name: &str) -> Option<String> {
    matches.get_one::<String>(name).cloned()
}
