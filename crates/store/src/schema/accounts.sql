-- People and accounts. Plans are JSON, so that a new limit needs no step.
CREATE TABLE account (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    plan TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE person (
    id TEXT PRIMARY KEY,
    email TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    password TEXT NOT NULL,
    is_operator INTEGER NOT NULL,
    created_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE member (
    account TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    person TEXT NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    role TEXT NOT NULL,
    joined_at_ms INTEGER NOT NULL,
    PRIMARY KEY (account, person)
) STRICT, WITHOUT ROWID;
CREATE INDEX member_by_person ON member (person);

-- What opens something is kept as its SHA-256.
CREATE TABLE invitation (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    hash BLOB NOT NULL UNIQUE,
    email TEXT,
    role TEXT NOT NULL,
    invited_by TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    expires_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX invitation_by_account ON invitation (account);

CREATE TABLE session (
    id TEXT PRIMARY KEY,
    hash BLOB NOT NULL UNIQUE,
    person TEXT NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    created_at_ms INTEGER NOT NULL,
    seen_at_ms INTEGER NOT NULL,
    address TEXT,
    agent TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX session_by_person ON session (person);

-- Who did what. It outlives apps and people; only an account takes its own along.
CREATE TABLE audit (
    id INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    account TEXT,
    app TEXT,
    actor_kind TEXT NOT NULL,
    actor_id TEXT NOT NULL,
    actor_name TEXT NOT NULL,
    address TEXT,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    changes TEXT NOT NULL
) STRICT;
CREATE INDEX audit_by_account ON audit (account, id);
CREATE INDEX audit_by_time ON audit (at_ms);

ALTER TABLE app ADD COLUMN account TEXT;
CREATE INDEX app_by_account ON app (account);

ALTER TABLE token ADD COLUMN account TEXT;
ALTER TABLE token ADD COLUMN scope TEXT NOT NULL DEFAULT 'write';
ALTER TABLE token ADD COLUMN created_by TEXT NOT NULL DEFAULT '';

-- Plans are enforced by the running server.
CREATE TRIGGER plan_changed AFTER UPDATE ON account WHEN old.plan <> new.plan
BEGIN UPDATE change SET n = n + 1; END;
