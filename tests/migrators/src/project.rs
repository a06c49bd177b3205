//! A folder with migrations of one tool.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result};
use test_node::command::{Output, output};

use crate::{Migration, Migrator, Programs};

/// A folder with migrations of one tool.
#[derive(Debug)]
pub struct Project<'a> {
    programs: &'a Programs,
    migrator: &'static Migrator,
    folder: PathBuf,
    files: Vec<String>,
    settings: Vec<(String, String)>,
}

impl<'a> Project<'a> {
    /// An empty project in an empty folder.
    ///
    /// # Errors
    /// When its files cannot be written.
    pub fn new(programs: &'a Programs, migrator: &'static Migrator, folder: &Path) -> Result<Self> {
        let project = Self {
            programs,
            migrator,
            folder: folder.to_owned(),
            files: Vec::new(),
            settings: Vec::new(),
        };
        for (name, content) in migrator.project {
            project.write(name, content)?;
        }
        Ok(project)
    }

    /// Adds a migration.
    ///
    /// # Errors
    /// When its file cannot be written.
    pub fn add(&mut self, migration: &Migration<'_>) -> Result<()> {
        let (name, content) = (self.migrator.write)(migration);
        self.write(&name, &content)?;
        self.files.push(name);
        Ok(())
    }

    /// Gives the tool a setting by its environment.
    pub fn set(&mut self, name: &str, value: &str) {
        self.settings.push((name.to_owned(), value.to_owned()));
    }

    /// Writes a migration that was added before anew.
    ///
    /// # Errors
    /// When its file cannot be written.
    pub fn replace(&self, migration: &Migration<'_>) -> Result<()> {
        let (name, content) = (self.migrator.write)(migration);
        self.write(&name, &content)
    }

    /// Takes the last migration out of the list of files, as an older version's would be.
    pub fn forget_last(&mut self) {
        self.files.pop();
    }

    fn write(&self, name: &str, content: &str) -> Result<()> {
        let path = self.folder.join(name);
        let parent = path.parent().context("a file lies in a folder")?;
        fs::create_dir_all(parent)
            .and_then(|()| fs::write(&path, content))
            .with_context(|| format!("write {}", path.display()))
    }

    /// The migrations' files, relative to the folder, in the order in which they were added.
    #[must_use]
    pub fn files(&self) -> &[String] {
        &self.files
    }

    /// Runs the tool to its end.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn migrate(&self, url: &str) -> Result<Output> {
        output(&mut self.command(url))
    }

    /// Starts the tool and does not wait for it.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(&self, url: &str) -> Result<Child> {
        let mut command = self.command(url);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
            .spawn()
            .with_context(|| format!("start {}", self.migrator.tool))
    }

    fn command(&self, url: &str) -> Command {
        let mut command = (self.migrator.command)(self.programs, &self.folder, url);
        command
            .current_dir(&self.folder)
            .env("DATABASE_URL", url)
            .envs(self.settings.iter().cloned());
        command
    }
}
