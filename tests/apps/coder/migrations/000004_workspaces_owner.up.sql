CREATE INDEX workspaces_owner ON workspaces (owner_id);
