//! What a person sees while the look goes on.

use std::io::{self, IsTerminal, Write};

use checks::fleet::FleetEvent;
use cli::Output;
use model::FleetItem;
use render::{FleetShape, FleetTable};

use super::arguments::{FleetFlags, FleetForm};
use super::clusters::Told;

/// The table on standard output where one is wanted, and how far the look has come on standard error.
pub(super) struct View {
    output: Output,
    shape: FleetShape,
    wanted: bool,
    /// Begun with the first release.
    table: Option<FleetTable>,
    /// Whether the line in place is drawn: where nothing else shows that something goes on.
    progress: bool,
}

impl View {
    /// An empty view. `contexts` is the width of the longest context where there are several.
    pub(super) fn new(flags: &FleetFlags, output: Output, contexts: Option<usize>) -> Self {
        let wanted = match flags.form.form {
            FleetForm::Table | FleetForm::Wide => true,
            FleetForm::Json | FleetForm::Yaml => false,
        };
        Self {
            output,
            shape: FleetShape {
                depth: flags.depth(),
                wide: flags.form.form == FleetForm::Wide,
                context: contexts,
                namespace: flags.all_namespaces.then_some(0),
                name: 0,
            },
            wanted,
            table: None,
            progress: output.watched && !(wanted && io::stdout().is_terminal()),
        }
    }

    /// Learns how wide columns are, until the first line is written.
    pub(super) fn learn(&mut self, told: &Told) {
        let Told::Of(
            _,
            FleetEvent::Listed {
                releases: _,
                uninstalled: _,
                namespace_width,
                name_width,
            },
        ) = told
        else {
            return;
        };
        self.shape.namespace = self.shape.namespace.map(|width| width.max(*namespace_width));
        self.shape.name = self.shape.name.max(*name_width);
    }

    /// Shows a release.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub(super) fn show(&mut self, item: &FleetItem) -> io::Result<()> {
        if !self.wanted {
            return Ok(());
        }
        let mut out = io::stdout().lock();
        let style = self.output.results;
        if self.table.is_none() {
            let table = FleetTable::new(style, &self.shape);
            table.header(&mut out)?;
            self.table = Some(table);
        }
        if let Some(table) = &self.table {
            table.row(&mut out, item)?;
        }
        out.flush()
    }

    /// Draws how far the look has come.
    pub(super) fn progress(&self, done: usize, known: usize) {
        if self.progress {
            // Talk that nobody takes ends nothing.
            drop(self.output.draw(|err| render::fleet_progress(err, done, known)));
        }
    }

    /// Takes that line away.
    pub(super) fn end(&self) {
        if self.progress {
            drop(self.output.draw(|err| render::fleet_progress_end(err)));
        }
    }
}
