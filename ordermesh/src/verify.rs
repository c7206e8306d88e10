//! `ordermesh verify`: opens the data folder alone, checks every service's invariants and those between services.
//! Exit codes: 0 clean, 1 an invariant is broken, 2 no folder or locked.

mod across;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use common::{Fault, Report, SystemClock, SystemRandom};
use runtime::{
    SettingError, Settings,
    platform::{Embedded, EmbeddedError},
};
use serde_json::json;
use store::DocumentStore;

use crate::{
    failure::Failure,
    folders::{mesh_folder, sandbox_folder},
    output::{print, print_json},
};

/// Checks the folder and prints what was found.
pub async fn run(settings: &Settings, json: bool) -> Result<(), Failure> {
    let folder = PathBuf::from(settings.text("DATA_DIR").unwrap_or("./data"));
    let report = check(&folder).await?;
    if json {
        print_json(&json!({"violations": report.violations, "in_flight": report.in_flight}))?;
    } else {
        print(&text(&folder, &report))?;
    }
    if report.is_clean() {
        Ok(())
    } else {
        Err(Failure::Running(format!("{} invariants are broken", report.violations.len())))
    }
}

/// Everything that is wrong or in flight in a data folder that no mesh is using.
pub async fn check(folder: &Path) -> Result<Report, Failure> {
    let mesh = mesh_folder(folder);
    if !mesh.is_dir() {
        return Err(usage(folder, "there is no data of a mesh"));
    }
    let embedded =
        Embedded::open(&mesh, Arc::new(SystemClock), Arc::new(SystemRandom)).map_err(
            |error| match error {
                EmbeddedError::Open(error) => usage(folder, &error.to_string()),
                EmbeddedError::Fault(fault) => Failure::Running(fault.to_string()),
            },
        )?;
    let report = everything(&embedded, folder).await;
    embedded.database.close().await;
    report
}

async fn everything(embedded: &Embedded, folder: &Path) -> Result<Report, Failure> {
    let failed = |fault: Fault| Failure::Running(fault.to_string());
    let mut report = services(embedded).await.map_err(failed)?;
    let charges = match provider(folder)? {
        Some(books) => {
            report.merge(sandbox::verify::check(&books).await.map_err(failed)?);
            Some(sandbox::verify::charges(&books).await.map_err(failed)?)
        }
        None => None,
    };
    report.merge(across::check(&embedded.platform, charges.as_deref()).await.map_err(failed)?);
    Ok(report)
}

fn usage(folder: &Path, problem: &str) -> Failure {
    SettingError::new("DATA_DIR", format!("{}: {problem}", folder.display())).into()
}

async fn services(embedded: &Embedded) -> Result<Report, Fault> {
    let platform = &embedded.platform;
    let mut report = Report::default();
    let (orders, stock) =
        (platform.store(contracts::service::ORDERS)?, platform.store(contracts::service::STOCK)?);
    let (payments, kitchen) =
        (platform.store(contracts::service::PAYMENTS)?, platform.store(contracts::service::KITCHEN)?);
    report.merge(orders::verify::check(orders.as_ref()).await?);
    report.merge(stock::verify::check(stock.as_ref()).await?);
    report.merge(payments::verify::check(payments.as_ref()).await?);
    report.merge(kitchen::verify::check(kitchen.as_ref()).await?);
    for (service, store) in
        [("orders", &orders), ("stock", &stock), ("payments", &payments), ("kitchen", &kitchen)]
    {
        let waiting = store.outbox_depth().await?;
        if waiting > 0 {
            report.in_flight(format!("{service}: {waiting} events wait in the outbox"));
        }
    }
    for depth in platform.bus.depths().await? {
        let waiting = depth.ready + depth.in_flight;
        if waiting > 0 {
            report.in_flight(format!("queue {}: {waiting} events wait for their consumer", depth.queue));
        }
        if depth.dead_letters > 0 {
            report.in_flight(format!("queue {}: {} dead letters", depth.queue, depth.dead_letters));
        }
    }
    Ok(report)
}

/// The sandbox's own books, when the folder has some.
fn provider(folder: &Path) -> Result<Option<Arc<dyn DocumentStore>>, Failure> {
    let books = sandbox_folder(folder);
    if !books.is_dir() {
        return Ok(None);
    }
    let opened = sandbox::open_store(&books, Arc::new(SystemClock));
    opened.map(Some).map_err(|error| usage(folder, &error.to_string()))
}

fn text(folder: &Path, report: &Report) -> String {
    let list = |title: &str, lines: &[String]| {
        let rows: String = lines.iter().map(|line| format!("  {line}\n")).collect();
        if lines.is_empty() { String::new() } else { format!("{title} ({}):\n{rows}", lines.len()) }
    };
    let verdict = if report.is_clean() { "clean: every invariant holds" } else { "BROKEN" };
    format!(
        "{}: {verdict}\n{}{}",
        folder.display(),
        list("broken invariants", &report.violations),
        list("work in flight", &report.in_flight)
    )
}
