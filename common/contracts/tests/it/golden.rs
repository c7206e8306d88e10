//! The descriptors against a golden file: what is in a release stays, what is new is added to the file.

use std::collections::BTreeSet;

use contracts::descriptors::file_descriptor_set;
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto, ServiceDescriptorProto,
    field_descriptor_proto::{Label, Type},
    method_options::IdempotencyLevel,
};

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/descriptors.golden.txt");
/// Set to write what is new into the golden file; what is gone is refused all the same.
const UPDATE: &str = "UPDATE_GOLDEN";

#[test]
fn nothing_of_the_protos_is_removed_renumbered_or_retyped() {
    let present = lines();
    let golden = std::fs::read_to_string(GOLDEN).unwrap_or_default();
    let golden: BTreeSet<&str> = golden.lines().collect();
    let gone: Vec<_> = golden.iter().filter(|line| !present.contains(**line)).collect();
    assert!(gone.is_empty(), "a breaking change: peers of the last release still use these:\n{gone:#?}");
    let new: Vec<_> = present.iter().filter(|line| !golden.contains(line.as_str())).collect();
    if std::env::var_os(UPDATE).is_some() {
        let text: String = present.iter().map(|line| format!("{line}\n")).collect();
        std::fs::write(GOLDEN, text).unwrap();
    } else {
        assert!(
            new.is_empty(),
            "additive changes, which is fine; record them with `{UPDATE}=1 cargo test -p contracts golden`:\n{new:#?}"
        );
    }
}

/// One line for each fact that a peer relies on.
fn lines() -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    for file in file_descriptor_set().file.iter().filter(|file| file.package().starts_with("ordermesh")) {
        add_file(file, &mut lines);
    }
    lines
}

fn add_file(file: &FileDescriptorProto, lines: &mut BTreeSet<String>) {
    let package = file.package();
    file.message_type.iter().for_each(|message| add_message(package, message, lines));
    file.enum_type.iter().for_each(|values| add_enum(package, values, lines));
    file.service.iter().for_each(|service| add_service(package, service, lines));
}

fn add_message(scope: &str, message: &DescriptorProto, lines: &mut BTreeSet<String>) {
    let name = format!("{scope}.{}", message.name());
    lines.insert(format!("message {name}"));
    for field in &message.field {
        lines.insert(format!("field {name}.{} = {} {}", field.name(), field.number(), kind(message, field)));
    }
    message.nested_type.iter().for_each(|nested| add_message(&name, nested, lines));
    message.enum_type.iter().for_each(|values| add_enum(&name, values, lines));
}

/// The type with its label, and the oneof that it is part of.
fn kind(message: &DescriptorProto, field: &FieldDescriptorProto) -> String {
    let named = field.type_name().trim_start_matches('.');
    let scalar = field.r#type().as_str_name().trim_start_matches("TYPE_").to_lowercase();
    let kind = if matches!(field.r#type(), Type::Message | Type::Enum) { named } else { scalar.as_str() };
    let label = match field.label() {
        Label::Repeated => "repeated ",
        _ if field.proto3_optional() => "optional ",
        _ => "",
    };
    let oneof = field.oneof_index.filter(|_| !field.proto3_optional());
    let oneof = oneof.and_then(|index| message.oneof_decl.get(usize::try_from(index).ok()?));
    oneof.map_or_else(|| format!("{label}{kind}"), |oneof| format!("{label}{kind} in {}", oneof.name()))
}

fn add_enum(scope: &str, values: &EnumDescriptorProto, lines: &mut BTreeSet<String>) {
    for value in &values.value {
        lines.insert(format!("enum {scope}.{} {} = {}", values.name(), value.name(), value.number()));
    }
}

fn add_service(package: &str, service: &ServiceDescriptorProto, lines: &mut BTreeSet<String>) {
    for method in &service.method {
        let level =
            method.options.as_ref().map_or(IdempotencyLevel::IdempotencyUnknown, |o| o.idempotency_level());
        let stream = |on: bool| if on { "stream " } else { "" };
        lines.insert(format!(
            "method {package}.{}/{} ({}{}) -> ({}{}) {}",
            service.name(),
            method.name(),
            stream(method.client_streaming()),
            method.input_type().trim_start_matches('.'),
            stream(method.server_streaming()),
            method.output_type().trim_start_matches('.'),
            level.as_str_name(),
        ));
    }
}
