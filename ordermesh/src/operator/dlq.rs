//! `ordermesh dlq`: list, show, replay and purge dead letters, over whichever way to the bus there is.

mod all;

use std::sync::Arc;

use bus::{DeadLetter, DeadLetters, QueueDepth};
use common::{Code, Fault};
use runtime::Settings;
use serde_json::{Value, json};

use super::{Dlq, Which, failed, gateway::GatewayLetters, networked};
use crate::{
    failure::Failure,
    output::{print, print_json},
    table::table,
};

/// Most dead letters of one queue that a list shows.
const SHOWN: usize = 100;
/// Characters of a reason in a list.
const REASON_SHOWN: usize = 100;

pub(super) async fn run(dlq: &Dlq, settings: &Settings, json: bool) -> Result<(), Failure> {
    let letters = match networked::broker(settings)? {
        Some(broker) => broker,
        None => Arc::new(GatewayLetters(super::gateway(settings)?)),
    };
    let desk = Desk { letters: &*letters, json };
    match dlq {
        Dlq::List(queue) => desk.list(queue.as_deref()).await,
        Dlq::Show { queue, id } => desk.show(queue, id).await,
        Dlq::Replay { queue, which } => desk.act(Verb::Replay, queue, which).await,
        Dlq::Purge { queue, which } => desk.act(Verb::Purge, queue, which).await,
    }
}

/// The two things that can be done with a dead letter.
#[derive(Clone, Copy, Debug)]
enum Verb {
    Replay,
    Purge,
}

impl Verb {
    fn done(self) -> &'static str {
        match self {
            Self::Replay => "replayed",
            Self::Purge => "purged",
        }
    }

    /// False when there is none of this id.
    async fn apply(self, letters: &dyn DeadLetters, queue: &str, id: &str) -> Result<bool, Fault> {
        match self {
            Self::Replay => letters.replay(queue, id).await,
            Self::Purge => letters.purge(queue, id).await,
        }
    }
}

/// Where an operator stands.
struct Desk<'a> {
    letters: &'a dyn DeadLetters,
    json: bool,
}

impl Desk<'_> {
    async fn list(&self, queue: Option<&str>) -> Result<(), Failure> {
        let mut depths = self.letters.depths().await.map_err(failed)?;
        if let Some(queue) = queue {
            depths.retain(|depth| depth.queue == queue);
            if depths.is_empty() {
                return Err(no_such_queue(queue));
            }
        }
        let mut listed = Vec::new();
        for depth in depths.iter().filter(|depth| depth.dead_letters > 0) {
            listed.extend(self.letters.list(&depth.queue, SHOWN).await.map_err(failed)?);
        }
        if self.json {
            return print_json(&json!({"queues": depths, "dead_letters": listed}));
        }
        print(&text(&depths, &listed))
    }

    async fn show(&self, queue: &str, id: &str) -> Result<(), Failure> {
        let found = self.letters.find(queue, id).await.map_err(|fault| refused(queue, fault))?;
        let letter = found.ok_or_else(|| not_there(queue, id))?;
        if self.json {
            return print_json(&json!({"dead_letter": letter}));
        }
        print(&in_full(&letter)?)
    }

    async fn act(&self, verb: Verb, queue: &str, which: &Which) -> Result<(), Failure> {
        let id = match which {
            Which::One(id) => id,
            Which::All => return self.all(verb, queue).await,
        };
        if !verb.apply(self.letters, queue, id).await.map_err(|fault| refused(queue, fault))? {
            return Err(not_there(queue, id));
        }
        self.tell(verb, queue, 1, &[])
    }

    async fn all(&self, verb: Verb, queue: &str) -> Result<(), Failure> {
        let outcome = all::run(self.letters, verb, queue).await.map_err(|fault| refused(queue, fault))?;
        self.tell(verb, queue, outcome.done, &outcome.problems)?;
        match outcome.problems.len() {
            0 => Ok(()),
            failed => {
                Err(Failure::Running(format!("{failed} dead letters of {queue} were not {}", verb.done())))
            }
        }
    }

    fn tell(
        &self,
        verb: Verb,
        queue: &str,
        done: usize,
        problems: &[(String, Fault)],
    ) -> Result<(), Failure> {
        if self.json {
            let problem = |(id, fault): &(String, Fault)| json!({"id": id, "problem": fault.public()});
            let failed: Vec<Value> = problems.iter().map(problem).collect();
            return print_json(&json!({"queue": queue, verb.done(): done, "failed": failed}));
        }
        let lines = problems.iter().map(|(id, fault)| format!("  {id}: {}\n", fault.public()));
        print(&format!("{queue}: {done} {}\n{}", verb.done(), lines.collect::<String>()))
    }
}

fn no_such_queue(queue: &str) -> Failure {
    Failure::Usage(format!("there is no queue {queue}; `ordermesh dlq list --json` names them"))
}

fn not_there(queue: &str, id: &str) -> Failure {
    Failure::Running(format!(
        "{queue} has no dead letter {id}; `ordermesh dlq list {queue}` shows what is there"
    ))
}

fn refused(queue: &str, fault: Fault) -> Failure {
    if fault.code() == Code::InvalidParameter { no_such_queue(queue) } else { failed(fault) }
}

fn text(depths: &[QueueDepth], listed: &[DeadLetter]) -> String {
    if listed.is_empty() {
        let queues = depths.iter().map(|depth| depth.queue.as_str()).collect::<Vec<_>>().join(", ");
        return format!("no dead letters in {queues}\n");
    }
    let rows: Vec<_> = listed.iter().map(row).collect();
    let lines = table(["QUEUE", "ID", "TYPE", "SUBJECT", "ATTEMPTS", "FIRST FAILED", "REASON"], &rows);
    let all: u64 = depths.iter().map(|depth| depth.dead_letters).sum();
    let more = all.saturating_sub(u64::try_from(listed.len()).unwrap_or(u64::MAX));
    if more > 0 { format!("{lines}… and {more} more\n") } else { lines }
}

fn row(letter: &DeadLetter) -> [String; 7] {
    let event =
        |part: fn(&bus::Event) -> &String| letter.event.as_ref().map_or("-", |event| part(event)).to_owned();
    let reason: String =
        letter.reason.chars().take(REASON_SHOWN).map(|c| if c == '\n' { ' ' } else { c }).collect();
    [
        letter.queue.clone(),
        letter.id.clone(),
        event(|event| &event.event_type),
        event(|event| &event.subject),
        letter.attempts.to_string(),
        letter.first_failed_at.to_string(),
        reason,
    ]
}

fn in_full(letter: &DeadLetter) -> Result<String, Failure> {
    let message = match (&letter.event, &letter.raw) {
        (Some(event), _) => serde_json::to_value(event)
            .and_then(|event| serde_json::to_string_pretty(&event))
            .map_err(|error| Failure::Running(error.to_string()))?,
        (None, Some(raw)) => format!("it cannot be read:\n{raw}"),
        (None, None) => "its message is gone".to_owned(),
    };
    Ok(format!(
        "queue         {}\nid            {}\nreason        {}\nattempts      {}\nfirst failed  {}\n\n{message}\n",
        letter.queue, letter.id, letter.reason, letter.attempts, letter.first_failed_at
    ))
}
