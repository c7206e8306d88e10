//! Tidy: the rules of the house that the compiler cannot see, checked over the sources.

mod deployment;
mod edges;
mod layers;
mod sources;

use sources::Source;

#[test]
fn every_source_file_starts_by_saying_what_it_is_for() {
    let silent: Vec<_> =
        sources::rust_files().into_iter().filter(|s| !s.text.starts_with("//! ")).map(|s| s.path).collect();
    assert!(silent.is_empty(), "files without a //! line: {silent:#?}");
}

#[test]
fn domain_ports_and_use_cases_know_no_technology() {
    layers::assert_none(&layers::technology_inside());
}

#[test]
fn driving_and_driven_adapters_never_touch() {
    layers::assert_none(&layers::adapters_touching());
}

#[test]
fn only_the_composition_root_names_concrete_adapters() {
    layers::assert_none(&layers::adapters_named_elsewhere());
}

#[test]
fn there_are_no_process_globals_but_the_declared_ones() {
    layers::assert_none(&layers::globals());
}

#[test]
fn crash_points_have_one_place_each() {
    let mut names: Vec<_> = sources::rust_files().iter().flat_map(Source::crash_points).collect();
    names.sort();
    let total = names.len();
    names.dedup();
    assert!(total >= 10, "the flows declare crash points; found {total}");
    assert_eq!(total, names.len(), "a crash point is declared twice");
}

#[test]
fn crates_depend_on_each_other_as_the_golden_file_says() {
    edges::assert_golden();
}

#[test]
fn services_know_no_other_service() {
    edges::assert_services_apart();
}

#[test]
fn the_error_reference_has_a_row_for_every_code() {
    let reference = std::fs::read_to_string(sources::root().join("docs/errors.md")).expect("docs/errors.md");
    let missing: Vec<_> = common::Code::ALL
        .iter()
        .filter(|code| !reference.contains(&format!("| `{}` |", code.as_str())))
        .collect();
    assert!(missing.is_empty(), "docs/errors.md lacks {missing:?}");
}

#[test]
fn deployments_give_the_program_only_settings_that_exist() {
    let unknown = deployment::unknown_settings();
    assert!(unknown.is_empty(), "{unknown:#?}");
}
