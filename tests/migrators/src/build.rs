//! Building what runs the tools, one artefact for each language, under the hash of the files that it is made from.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use test_node::cache::{Cache, Key};
use test_node::command::{run, run_watched};
use test_node::progress::{Progress, Stage};

/// The parts of goose's program that speak to other databases than Postgres.
const GOOSE_TAGS: &str = "no_clickhouse,no_libsql,no_mssql,no_mysql,no_sqlite3,no_vertica,no_ydb,no_turso";

/// What is built for one language.
struct Artefact {
    /// Names the artefact and the folder of this crate that it is made from.
    language: &'static str,
    /// Files of that folder that decide what is built.
    files: &'static [&'static str],
    /// Fills the artefact's folder from the sources' folder.
    fill: fn(sources: &Path, into: &Path, stage: &Stage) -> Result<()>,
}

const ARTEFACTS: [Artefact; 5] = [
    Artefact {
        language: "go",
        files: &["go.mod", "go.sum", "xorm/main.go"],
        fill: go,
    },
    Artefact {
        language: "python",
        files: &["requirements.txt"],
        fill: python,
    },
    Artefact {
        language: "node",
        files: &["package.json", "package-lock.json"],
        fill: node,
    },
    Artefact {
        language: "java",
        files: &["pom.xml", "Migrate.java"],
        fill: java,
    },
    Artefact {
        language: "rust",
        files: &["Cargo.toml", "Cargo.lock", "src/main.rs"],
        fill: rust,
    },
];

/// The folder of the sources of one language, in this crate.
pub(crate) fn sources(language: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(language)
}

/// The artefact of a language, built when it is not in the cache.
pub(crate) fn artefact(cache: &Cache, progress: &Progress, language: &str) -> Result<PathBuf> {
    let Artefact { files, fill, .. } = ARTEFACTS
        .iter()
        .find(|artefact| artefact.language == language)
        .with_context(|| format!("no artefact is made for {language}"))?;
    let sources = sources(language);
    let mut key = Key::builder().with("script", include_str!("build.rs"));
    for file in *files {
        key = key.with_file(&sources.join(file))?;
    }
    cache.artefact(&format!("migrators-{language}"), &key.finish(), |folder| {
        progress.run(format!("get the migrators of {language} (one time)"), |stage| {
            fill(&sources, folder, stage)
        })
    })
}

fn watched(stage: &Stage, command: &mut Command) -> Result<()> {
    run_watched(command, |line| stage.note(line))
}

fn go(sources: &Path, into: &Path, stage: &Stage) -> Result<()> {
    for (name, tags, package) in [
        ("goose", GOOSE_TAGS, "github.com/pressly/goose/v3/cmd/goose"),
        (
            "migrate",
            "postgres",
            "github.com/golang-migrate/migrate/v4/cmd/migrate",
        ),
        ("xorm", "postgres", "./xorm"),
    ] {
        let mut go = Command::new("go");
        go.current_dir(sources)
            .env("CGO_ENABLED", "0")
            .env("GOFLAGS", "-mod=readonly")
            .env("GOWORK", "off")
            .args([
                "build",
                "-v",
                "-trimpath",
                "-ldflags",
                "-s -w",
                "-tags",
                tags,
                "-o",
            ])
            .arg(into.join(name))
            .arg(package);
        watched(stage, &mut go)?;
    }
    Ok(())
}

fn python(sources: &Path, into: &Path, stage: &Stage) -> Result<()> {
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--no-deps", "--target"])
        .arg(into)
        .arg("--requirement")
        .arg(sources.join("requirements.txt"));
    watched(stage, &mut pip)
}

fn node(sources: &Path, into: &Path, stage: &Stage) -> Result<()> {
    for file in ["package.json", "package-lock.json"] {
        copy(sources, into, file)?;
    }
    // Scripts of packages would fetch programs from elsewhere; nothing here needs them.
    let mut npm = Command::new("npm");
    npm.current_dir(into)
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
    watched(stage, &mut npm)
}

fn java(sources: &Path, into: &Path, stage: &Stage) -> Result<()> {
    let jars = into.join("jars");
    let mut maven = Command::new("mvn");
    maven
        .args(["--batch-mode", "--file"])
        .arg(sources.join("pom.xml"))
        .arg("org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies")
        .arg(format!("-DoutputDirectory={}", jars.display()));
    watched(stage, &mut maven)?;
    run(Command::new("javac")
        .arg("-cp")
        .arg(jars.join("*"))
        .arg("-d")
        .arg(into.join("classes"))
        .arg(sources.join("Migrate.java")))?;
    Ok(())
}

fn rust(sources: &Path, into: &Path, stage: &Stage) -> Result<()> {
    let target = into.join("target");
    let mut cargo = Command::new("cargo");
    cargo
        .args(["build", "--locked", "--manifest-path"])
        .arg(sources.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(&target)
        .env("CARGO_INCREMENTAL", "0");
    watched(stage, &mut cargo)?;
    let program = into.join("migrate-rust");
    fs::copy(target.join("debug/migrate-rust"), &program)
        .with_context(|| format!("copy {}", program.display()))?;
    fs::remove_dir_all(&target).with_context(|| format!("remove {}", target.display()))
}

fn copy(from: &Path, into: &Path, file: &str) -> Result<()> {
    fs::copy(from.join(file), into.join(file)).with_context(|| format!("copy {file}"))?;
    Ok(())
}
