//! `ordermesh verify`: opens the data folder alone, or the servers that the settings name, and checks every service's
//! invariants and those between services. Exit codes: 0 clean, 1 an invariant is broken, 2 no folder or locked.

mod across;

use std::{collections::HashMap, path::Path, sync::Arc};

use common::{Fault, Report, SystemClock, SystemRandom};
use runtime::{
    SettingError, Settings,
    platform::{Nothing, Opened, Opening},
};
use serde_json::json;
use store::DocumentStore;

use crate::{
    failure::{Failure, StartError},
    folders::{data_dir, mesh_folder, sandbox_folder},
    output::{print, print_json},
};

/// Checks the folder and prints what was found.
pub async fn run(settings: &Settings, json: bool) -> Result<(), Failure> {
    let folder = data_dir(settings);
    let on_servers = settings.is_set("MONGODB_URI");
    let report = if on_servers { check_servers(settings, &folder).await? } else { check(&folder).await? };
    if json {
        print_json(&json!({"violations": report.violations, "in_flight": report.in_flight}))?;
    } else {
        let what = if on_servers { "the servers".to_owned() } else { folder.display().to_string() };
        print(&text(&what, &report))?;
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
    let opened = Opened::embedded(&mesh, Arc::new(SystemClock), Arc::new(SystemRandom))
        .await
        .map_err(|error| StartError::opening(folder, error))?;
    let report = everything(&opened, folder).await;
    opened.close().await;
    report
}

/// The same for stores and queues on servers, which a running mesh may use meanwhile: what it is just doing shows as
/// work in flight, or as a violation that the next run no longer has.
async fn check_servers(settings: &Settings, folder: &Path) -> Result<Report, Failure> {
    let opened = Opened::open(Opening {
        settings: settings.clone(),
        folder: None,
        peers: HashMap::new(),
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom),
        between: Arc::new(Nothing),
    })
    .await
    .map_err(|error| StartError::opening(folder, error))?;
    let report = everything(&opened, folder).await;
    opened.close().await;
    report
}

async fn everything(opened: &Opened, folder: &Path) -> Result<Report, Failure> {
    let failed = |fault: Fault| Failure::Running(fault.to_string());
    let mut report = services(opened).await.map_err(failed)?;
    let charges = match provider(folder)? {
        Some(books) => {
            report.merge(sandbox::verify::check(&books).await.map_err(failed)?);
            Some(sandbox::verify::charges(&books).await.map_err(failed)?)
        }
        None => None,
    };
    report.merge(across::check(&opened.platform, charges.as_deref()).await.map_err(failed)?);
    Ok(report)
}

fn usage(folder: &Path, problem: &str) -> Failure {
    SettingError::new("DATA_DIR", format!("{}: {problem}", folder.display())).into()
}

async fn services(opened: &Opened) -> Result<Report, Fault> {
    let platform = &opened.platform;
    let mut report = Report::default();
    let (orders, stock) = (platform.store(&orders::SCHEMA)?, platform.store(&stock::SCHEMA)?);
    let (payments, kitchen) = (platform.store(&payments::SCHEMA)?, platform.store(&kitchen::SCHEMA)?);
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

fn text(what: &str, report: &Report) -> String {
    let list = |title: &str, lines: &[String]| {
        let rows: String = lines.iter().map(|line| format!("  {line}\n")).collect();
        if lines.is_empty() { String::new() } else { format!("{title} ({}):\n{rows}", lines.len()) }
    };
    let verdict = if report.is_clean() { "clean: every invariant holds" } else { "BROKEN" };
    format!(
        "{what}: {verdict}\n{}{}",
        list("broken invariants", &report.violations),
        list("work in flight", &report.in_flight)
    )
}
