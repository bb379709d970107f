-- What the running server must notice: it grows with every change of apps, keys, endpoints, secrets
-- and wanted replays, and with nothing else.
CREATE TABLE change (n INTEGER NOT NULL) STRICT;
INSERT INTO change (n) VALUES (1);

-- The state of the outbox: who owns it, and how far it has come. One row.
CREATE TABLE outbox (
    run INTEGER NOT NULL,
    last_transaction INTEGER NOT NULL,
    last_batch INTEGER NOT NULL
) STRICT;
INSERT INTO outbox (run, last_transaction, last_batch) VALUES (0, 0, 0);

-- The logs. The second index is what a lane that is behind is read by: its cost at every insert buys
-- that such a read, and the sweep, cost what the lane holds and not what the log holds.
CREATE TABLE event (
    app TEXT NOT NULL,
    seq INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    lane INTEGER NOT NULL,
    channel TEXT NOT NULL,
    user TEXT,
    at_ms INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (app, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX event_by_lane ON event (app, lane, seq);

-- The last place of each log that is taken, even if its event is gone.
CREATE TABLE app_log (
    app TEXT PRIMARY KEY,
    last_seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What the outside has been told and not been told otherwise; user '' is the channel itself.
CREATE TABLE announced (
    app TEXT NOT NULL,
    channel TEXT NOT NULL,
    user TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (app, channel, user)
) STRICT, WITHOUT ROWID;

-- Receivers. Terms are JSON, so that a new one needs no step. Nothing below refers to this table by
-- a foreign key: the outbox must not fail because somebody has removed an endpoint meanwhile.
CREATE TABLE endpoint (
    id TEXT PRIMARY KEY,
    app TEXT NOT NULL,
    terms TEXT NOT NULL,
    origin TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    disabled_reason TEXT,
    disabled_at_ms INTEGER,
    failing_since_ms INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX endpoint_by_app ON endpoint (app);

CREATE TABLE endpoint_secret (
    endpoint TEXT NOT NULL,
    text TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    expires_at_ms INTEGER,
    PRIMARY KEY (endpoint, text)
) STRICT, WITHOUT ROWID;

-- Endpoints for which events wait that are in no batch yet: in each lane those after this place and
-- after the last that was cut there.
CREATE TABLE behind (
    endpoint TEXT PRIMARY KEY,
    after INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A lane that has ever sent: the last place that was cut; the gap that it owes its receiver.
CREATE TABLE lane (
    endpoint TEXT NOT NULL,
    lane INTEGER NOT NULL,
    previous INTEGER NOT NULL DEFAULT 0,
    owes_first INTEGER,
    owes_last INTEGER,
    owes_count INTEGER,
    PRIMARY KEY (endpoint, lane)
) STRICT, WITHOUT ROWID;

-- Batches, open while there is no outcome. What was sent stands apart, so that the end of a batch
-- does not write it again and a list of batches does not read it.
CREATE TABLE batch (
    id INTEGER PRIMARY KEY,
    app TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    lane INTEGER NOT NULL,
    time_ms INTEGER NOT NULL,
    previous INTEGER NOT NULL,
    gap_first INTEGER,
    gap_last INTEGER,
    gap_count INTEGER,
    deadline_ms INTEGER NOT NULL,
    replay INTEGER,
    parent INTEGER,
    outcome INTEGER,
    ended_at_ms INTEGER
) STRICT;
CREATE INDEX batch_by_end ON batch (outcome, ended_at_ms);
CREATE INDEX batch_by_endpoint ON batch (endpoint);
CREATE INDEX batch_failed ON batch (endpoint) WHERE outcome = 2;

CREATE TABLE batch_body (
    batch INTEGER PRIMARY KEY,
    seqs TEXT NOT NULL,
    events TEXT NOT NULL
) STRICT;

CREATE TABLE attempt (
    batch INTEGER NOT NULL,
    number INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    status INTEGER,
    failure TEXT,
    detail TEXT NOT NULL,
    remote TEXT,
    retry_after_ms INTEGER,
    body TEXT NOT NULL,
    request_head TEXT NOT NULL,
    PRIMARY KEY (batch, number)
) STRICT, WITHOUT ROWID;

-- Gaps for people.
CREATE TABLE lost (
    id INTEGER PRIMARY KEY,
    app TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    gap_first INTEGER NOT NULL,
    gap_last INTEGER NOT NULL,
    gap_count INTEGER NOT NULL,
    reason TEXT NOT NULL,
    at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX lost_by_app ON lost (app);
CREATE INDEX lost_by_time ON lost (at_ms);

CREATE TABLE replay (
    id INTEGER PRIMARY KEY,
    app TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    repeats TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    total INTEGER NOT NULL,
    cursor INTEGER NOT NULL,
    delivered INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    state TEXT NOT NULL
) STRICT;

-- Who may manage. The hash is the token's SHA-256; without an app it is good for all.
CREATE TABLE token (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    hash BLOB NOT NULL UNIQUE,
    app TEXT,
    created_at_ms INTEGER NOT NULL,
    last_used_ms INTEGER
) STRICT;

CREATE TRIGGER app_added AFTER INSERT ON app BEGIN UPDATE change SET n = n + 1; END;
CREATE TRIGGER app_changed AFTER UPDATE ON app BEGIN UPDATE change SET n = n + 1; END;
CREATE TRIGGER app_removed AFTER DELETE ON app BEGIN UPDATE change SET n = n + 1; END;

CREATE TRIGGER app_key_added AFTER INSERT ON app_key BEGIN UPDATE change SET n = n + 1; END;
CREATE TRIGGER app_key_changed AFTER UPDATE ON app_key BEGIN UPDATE change SET n = n + 1; END;
CREATE TRIGGER app_key_removed AFTER DELETE ON app_key BEGIN UPDATE change SET n = n + 1; END;

CREATE TRIGGER endpoint_added AFTER INSERT ON endpoint BEGIN UPDATE change SET n = n + 1; END;
CREATE TRIGGER endpoint_changed AFTER UPDATE ON endpoint
WHEN (old.app, old.terms, old.origin, old.created_at_ms, old.disabled_reason, old.disabled_at_ms)
    IS NOT (new.app, new.terms, new.origin, new.created_at_ms, new.disabled_reason, new.disabled_at_ms)
BEGIN UPDATE change SET n = n + 1; END;
CREATE TRIGGER endpoint_removed AFTER DELETE ON endpoint BEGIN UPDATE change SET n = n + 1; END;

CREATE TRIGGER secret_added AFTER INSERT ON endpoint_secret BEGIN UPDATE change SET n = n + 1; END;
CREATE TRIGGER secret_changed AFTER UPDATE ON endpoint_secret BEGIN UPDATE change SET n = n + 1; END;
CREATE TRIGGER secret_removed AFTER DELETE ON endpoint_secret BEGIN UPDATE change SET n = n + 1; END;

CREATE TRIGGER replay_added AFTER INSERT ON replay BEGIN UPDATE change SET n = n + 1; END;
CREATE TRIGGER replay_changed AFTER UPDATE OF state ON replay WHEN old.state <> new.state
BEGIN UPDATE change SET n = n + 1; END;
