-- What was counted of apps: points of a minute and of an hour, in seconds. The numbers are JSON, so
-- that a new one needs no step.
CREATE TABLE stat (
    app TEXT NOT NULL,
    step_s INTEGER NOT NULL,
    at_s INTEGER NOT NULL,
    numbers TEXT NOT NULL,
    PRIMARY KEY (app, step_s, at_s)
) STRICT, WITHOUT ROWID;
CREATE INDEX stat_by_time ON stat (step_s, at_s);

-- What went wrong in apps, a row for each mistake.
CREATE TABLE mistake (
    app TEXT NOT NULL,
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    code INTEGER,
    message TEXT NOT NULL,
    count INTEGER NOT NULL,
    first_at_ms INTEGER NOT NULL,
    last_at_ms INTEGER NOT NULL,
    example TEXT NOT NULL,
    PRIMARY KEY (app, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX mistake_by_time ON mistake (last_at_ms);
