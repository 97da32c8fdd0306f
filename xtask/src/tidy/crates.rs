//! Which crate may know which: the list of ARCHITECTURE.md, compared with what cargo sees.

use super::Violation;
use crate::Outcome;
use crate::tree::Tree;
use serde_json::Value;
use std::collections::BTreeSet;

/// A crate and what of ours it may depend on. Tests may use anything (dev-dependencies are free).
const EDGES: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("engine", &["domain"]),
    ("store-postgres", &["engine", "domain"]),
    ("store-sqlite", &["engine", "domain"]),
    ("api-input", &["domain"]),
    ("api-grpc", &["api-input", "engine", "domain"]),
    ("api-rest", &["api-input", "engine", "domain"]),
    ("testkit", &["engine", "domain"]),
    ("sim", &["testkit", "engine", "domain"]),
    ("server", &["domain", "engine", "store-postgres", "store-sqlite", "api-rest", "api-grpc", "testkit", "sim"]),
    ("xtask", &[]),
];

/// Names that say nothing: what is in there belongs to somebody.
const VAGUE: &[&str] = &["common", "util", "utils", "helper", "helpers", "misc", "shared", "core", "lib"];

/// A member of the workspace.
pub(super) struct Crate {
    name: String,
    needs: BTreeSet<String>,
}

/// Reads `cargo metadata --no-deps`; keeps normal and build dependencies.
pub(super) fn parse(metadata: &str) -> Outcome<Vec<Crate>> {
    let metadata: Value = serde_json::from_str(metadata)?;
    let packages = metadata["packages"].as_array().ok_or("cargo metadata has no packages")?;
    let name = |value: &Value| value["name"].as_str().unwrap_or_default().to_owned();
    let read = |package: &Value| Crate {
        name: name(package),
        needs: package["dependencies"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|dependency| dependency["kind"] != "dev")
            .map(name)
            .collect(),
    };
    Ok(packages.iter().map(read).collect())
}

/// A crate that is not in the list, or an edge that is not.
pub(super) fn edges(crates: &[Crate]) -> Vec<Violation> {
    let ours: BTreeSet<&str> = crates.iter().map(|member| member.name.as_str()).collect();
    let mut violations = Vec::new();
    for member in crates {
        let Some((_, allowed)) = EDGES.iter().find(|(name, _)| *name == member.name) else {
            violations.push(format!("{}: not in the list of crate edges (xtask/src/tidy/crates.rs)", member.name));
            continue;
        };
        let wrong = member.needs.iter().map(String::as_str).filter(|need| ours.contains(need) && !allowed.contains(need));
        violations.extend(wrong.map(|need| format!("{}: must not depend on {need}", member.name)));
    }
    violations
}

/// A crate is a role; a vague name has none.
pub(super) fn names(crates: &[Crate]) -> Vec<Violation> {
    let vague = |member: &&Crate| member.name.split('-').any(|word| VAGUE.contains(&word));
    crates.iter().filter(vague).map(|member| format!("{}: a crate is a role; this name has none", member.name)).collect()
}

/// Every crate takes the lints of the house.
pub(super) fn lints(tree: &Tree) -> Vec<Violation> {
    let manifests = tree.files().filter(|(path, _)| path.ends_with("/Cargo.toml"));
    manifests
        .filter(|(_, text)| {
            let manifest = text.parse::<toml::Table>().unwrap_or_default();
            let lints = manifest.get("lints").and_then(|lints| lints.get("workspace"));
            manifest.contains_key("package") && lints.and_then(toml::Value::as_bool) != Some(true)
        })
        .map(|(path, _)| format!("{path}: needs `[lints] workspace = true`"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(name: &str, dependency: &str, kind: &str) -> Vec<Crate> {
        let kind = if kind == "normal" { "null".to_owned() } else { format!("\"{kind}\"") };
        let domain =
            r#"{"name": "domain", "dependencies": []}, {"name": "engine", "dependencies": []}, {"name": "testkit", "dependencies": []}"#;
        parse(&format!(
            r#"{{"packages": [{domain}, {{"name": "{name}", "dependencies": [{{"name": "{dependency}", "kind": {kind}}}, {{"name": "serde", "kind": null}}]}}]}}"#
        ))
        .unwrap()
    }

    #[test]
    fn an_edge_that_is_not_in_the_list_is_found() {
        assert_eq!(edges(&metadata("domain", "engine", "normal")), ["domain: must not depend on engine"]);
        assert_eq!(edges(&metadata("domain", "engine", "build")), ["domain: must not depend on engine"]);
        assert_eq!(edges(&metadata("store-sqlite", "testkit", "normal")).len(), 1);
        assert_eq!(edges(&metadata("xtask", "domain", "normal")).len(), 1);
    }

    #[test]
    fn listed_edges_outside_crates_and_tests_are_free() {
        assert!(edges(&metadata("engine", "domain", "normal")).is_empty());
        assert!(edges(&metadata("domain", "testkit", "dev")).is_empty());
        assert!(edges(&metadata("domain", "thiserror", "normal")).is_empty());
    }

    #[test]
    fn a_crate_that_is_not_in_the_list_is_found() {
        assert_eq!(edges(&metadata("console", "domain", "normal")).len(), 1);
    }

    #[test]
    fn a_name_without_a_role_is_found() {
        assert_eq!(names(&metadata("order-utils", "x", "normal")).len(), 1);
        assert!(names(&metadata("store-sqlite", "x", "normal")).is_empty());
    }

    #[test]
    fn a_crate_without_the_house_lints_is_found() {
        let check = |text| lints(&Tree::of(&[("crates/x/Cargo.toml", text)])).len();
        assert_eq!(check("[package]\nname = 'x'"), 1);
        assert_eq!(check("[package]\nname = 'x'\n[lints]\nworkspace = false"), 1);
        assert_eq!(check("[package]\nname = 'x'\n[lints]\nworkspace = true"), 0);
    }
}
