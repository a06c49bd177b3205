//! SQLAlchemy's Alembic. It keeps the newest revision of each branch and commits it with the migration.

use model::MigrationTool;

use super::super::tool::{Holds, Keeps, Proof, Shape, Tool};
use super::files;

pub(super) const TOOL: Tool = Tool {
    tool: MigrationTool::Alembic,
    usual: "alembic_version",
    history: Shape {
        needed: &[("version_num", Holds::Text)],
        possible: &[],
    },
    proof: Proof::Columns,
    keeps: Keeps::Heads,
    entries: "select version_num, 'applied', null::timestamptz, null, '', row_number() over (order by version_num) \
              from {table}",
    mend: None,
    row_lock: None,
    advisory: None,
    // As its own template for file names has it: REVISION_words.py.
    file: |path| {
        let stem = files::base(path).strip_suffix(".py")?;
        let (revision, _) = stem.split_once('_')?;
        let is_revision = !revision.is_empty() && revision.chars().all(|c| c.is_ascii_alphanumeric());
        is_revision.then(|| revision.to_owned())
    },
};
