//! Generates messages and services from `contracts/proto`, and the descriptors that reflection shows. No protoc is needed.

use std::path::PathBuf;

use prost::Message as _;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = "../../contracts/proto";
    println!("cargo:rerun-if-changed={root}");
    let descriptors = protox::compile(["ordo/checkout/v1/checkout.proto", "ordo/order/v1/order.proto"], [root])?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure().build_client(false).build_transport(false).include_file("proto.rs").compile_fds(descriptors)?;
    Ok(())
}
