//! Asks the broker for its version: the first frame that a server sends says it, and the client library keeps it to
//! itself.

use std::time::Duration;

use common::Fault;
use futures::{AsyncReadExt as _, AsyncWriteExt as _};
use lapin::{
    tcp::AMQPUriTcpExt as _,
    types::{AMQPValue, FieldTable, parsing::parse_field_table},
};

use super::settings::Address;

/// How long it may take.
const LIMIT: Duration = Duration::from_secs(5);
/// The greeting of AMQP 0-9-1.
const GREETING: &[u8; 8] = b"AMQP\x00\x00\x09\x01";
/// Type, channel and size of a frame.
const HEAD: usize = 7;
/// Class, method and protocol version, before the server's properties.
const BEFORE_PROPERTIES: usize = 6;
/// More than any server's properties.
const FRAME_MAX: usize = 64 * 1024;

/// Product and version, such as `RabbitMQ 3.10.8`.
pub(super) async fn server_version(address: &Address) -> Result<String, Fault> {
    let failed = |what: String| Fault::unavailable(format!("rabbitmq: ask {}: {what}", address.peer()));
    let properties = tokio::time::timeout(LIMIT, server_properties(address))
        .await
        .map_err(|_| failed(format!("no answer in {LIMIT:?}")))?
        .map_err(|error| failed(error.to_string()))?;
    let property = |name: &str| properties.inner().get(name).and_then(AMQPValue::as_long_string);
    match (property("product"), property("version")) {
        (Some(product), Some(version)) => Ok(format!("{product} {version}")),
        _ => Err(failed("it does not say what it is".to_owned())),
    }
}

async fn server_properties(address: &Address) -> std::io::Result<FieldTable> {
    let runtime = lapin::runtime::default_runtime().map_err(std::io::Error::other)?;
    let mut stream = address.uri.connect_with_config_async(address.tls.as_ref(), &runtime).await?;
    stream.write_all(GREETING).await?;
    stream.flush().await?;
    let mut head = [0; HEAD];
    stream.read_exact(&mut head).await?;
    let size = u32::from_be_bytes([head[3], head[4], head[5], head[6]]) as usize;
    if size > FRAME_MAX {
        return Err(std::io::Error::other("not an AMQP server"));
    }
    let mut frame = vec![0; size];
    stream.read_exact(&mut frame).await?;
    let properties = frame.get(BEFORE_PROPERTIES..).unwrap_or_default();
    let parsed = parse_field_table(properties).map_err(|_| std::io::Error::other("not an AMQP server"))?;
    Ok(parsed.1)
}
