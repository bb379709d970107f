-- What makes somebody the first operator, until somebody is: one row, or none.
CREATE TABLE setup (
    secret text NOT NULL
);
