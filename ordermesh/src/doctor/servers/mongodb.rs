//! MongoDB: the server, its version, and whether it is one of several.

use common::Fault;
use runtime::Settings;
use store::mongo::MongoServer;

use crate::{
    doctor::probe::{Finding, Probe},
    servers,
};

const FIX: &str =
    "start the database, or set MONGODB_URI to where it is, with user and password that it takes";
/// The oldest that the driver speaks to.
const OLDEST: (u32, u32) = (4, 4);

pub(in crate::doctor) fn probe(settings: &Settings) -> Option<Probe> {
    let uri = settings.text("MONGODB_URI")?.to_owned();
    // Its address may hold a password.
    Some(Probe::new("mongodb", "MONGODB_URI", FIX, async move {
        match servers::mongo(&uri).await {
            Ok(server) => {
                let found = ask(&server).await;
                server.close().await;
                found.unwrap_or_else(|fault| Finding::fault(&fault, FIX))
            }
            Err(fault) => Finding::fail(fault.public(), FIX),
        }
    }))
}

async fn ask(server: &MongoServer) -> Result<Finding, Fault> {
    let (version, set) = (server.version().await?, server.replica_set().await?);
    Ok(judge(&version, set.as_deref()).version(version))
}

fn judge(version: &str, replica_set: Option<&str>) -> Finding {
    let mut numbers = version.split('.').map_while(|number| number.parse().ok());
    if (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) < OLDEST {
        return Finding::fail("is too old", "use MongoDB 4.4 or newer");
    }
    Finding::ok(match replica_set {
        Some(name) => format!("replica set {name}, with a primary"),
        None => "standalone: what it acknowledged is lost with its disk".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_server_that_the_driver_does_not_speak_to_fails() {
        for (version, fits) in [("3.6.23", false), ("4.2.0", false), ("4.4.0", true), ("8.0.4", true)] {
            let row = Probe::new("", "", "", async move { judge(version, None) }).run().await;
            assert_eq!(row.fix.is_none(), fits, "{version}: {}", row.found);
        }
    }
}
