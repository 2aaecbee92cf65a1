-- How far a job has read the file that it imports: written in the transaction that adds the rows, so that none is added
-- twice, whatever dies.
create table import (
    job_id integer primary key,
    -- Who sells the lots of the file, once there is one.
    seller_id integer,
    -- Rows of the file that are done, refused ones included.
    rows integer not null,
    imported integer not null,
    constraint import_job_exists foreign key (job_id) references job (job_id) on delete cascade,
    constraint import_adds_up check (imported between 0 and rows)
) strict;

-- Rows of the file that were refused, and why.
create table import_refusal (
    job_id integer not null,
    -- Its place in the file, from 0.
    place integer not null,
    -- The column at fault, if it is one.
    name text,
    why text not null,
    constraint import_refusal_pk primary key (job_id, place),
    constraint import_refusal_job_exists foreign key (job_id) references job (job_id) on delete cascade
) strict, without rowid;

pragma user_version = 5;
