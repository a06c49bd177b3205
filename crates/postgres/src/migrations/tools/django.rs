//! Django. Each row is committed with its migration, so nothing tells of one that broke off.

use model::MigrationTool;

use super::super::tool::{Holds, Keeps, Proof, Shape, Tool};
use super::files;

pub(super) const TOOL: Tool = Tool {
    tool: MigrationTool::Django,
    usual: "django_migrations",
    history: Shape {
        needed: &[
            ("id", Holds::Number),
            ("app", Holds::Text),
            ("name", Holds::Text),
            ("applied", Holds::Time),
        ],
        possible: &[],
    },
    proof: Proof::Columns,
    keeps: Keeps::Every,
    entries: "select app || '.' || name, 'applied', applied, null, id, id from {table}",
    mend: None,
    row_lock: None,
    advisory: None,
    file: |path| {
        let stem = files::base(path).strip_suffix(".py")?;
        let (folders, _) = path.rsplit_once(['/', '\\'])?;
        let app = files::folder(folders)?;
        (files::folder(path)? == "migrations" && stem != "__init__").then(|| format!("{app}.{stem}"))
    },
};
