//! Compiles the protos without protoc and keeps the descriptor set for reflection and the idempotency table.

use std::{env, error::Error, fs, path::PathBuf};

use prost::Message as _;

const PROTOS: [&str; 5] = [
    "ordermesh/common/v1/types.proto",
    "ordermesh/orders/v1/orders.proto",
    "ordermesh/payments/v1/payments.proto",
    "ordermesh/stock/v1/stock.proto",
    "ordermesh/kitchen/v1/kitchen.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    let descriptors = protox::compile(PROTOS, ["proto"])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure().bytes(".").compile_fds(descriptors)?;
    Ok(())
}
