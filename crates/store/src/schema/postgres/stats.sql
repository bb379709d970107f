-- What was counted of apps: points of a minute and of an hour, in seconds. The numbers are JSON, so
-- that a new one needs no step.
CREATE TABLE stat (
    app text COLLATE "C" NOT NULL,
    step_s bigint NOT NULL,
    at_s bigint NOT NULL,
    numbers text NOT NULL,
    PRIMARY KEY (app, step_s, at_s)
);
CREATE INDEX stat_by_time ON stat (step_s, at_s);

-- What went wrong in apps, a row for each mistake.
CREATE TABLE mistake (
    app text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    kind text NOT NULL,
    code bigint,
    message text NOT NULL,
    count bigint NOT NULL,
    first_at_ms bigint NOT NULL,
    last_at_ms bigint NOT NULL,
    example text NOT NULL,
    PRIMARY KEY (app, id)
);
CREATE INDEX mistake_by_time ON mistake (last_at_ms);
