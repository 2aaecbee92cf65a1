-- Jobs that come again and again. A time that has come moves `next_at` in the transaction that adds its job: once each.
create table schedule (
    name text not null,
    cron text not null,
    zone text not null,
    -- JSON: what is submitted each time.
    job text not null,
    paused integer not null,
    next_at integer not null,
    last_at integer,
    last_job integer,
    last_error text,
    constraint schedule_pk primary key (name),
    constraint schedule_paused_is_a_flag check (paused in (0, 1))
) strict, without rowid;

-- "whose time has come", "when the next one's does".
create index schedule_by_time on schedule (next_at)
where
    paused = 0;

-- How many jobs it still waits for.
alter table job add column waits_for integer not null default 0 check (waits_for >= 0);

drop index job_by_time;

-- "whose time has come", "when the next one's does".
create index job_by_time on job (run_at)
where
    state in ('scheduled', 'retryable')
    and waits_for = 0;

-- What a job waits for: it is not available before these are completed.
create table job_need (
    job_id integer not null,
    needs integer not null,
    -- Whether what it waits for is over: it is to be looked at.
    ready integer not null,
    constraint job_need_pk primary key (job_id, needs),
    constraint job_need_job_exists foreign key (job_id) references job (job_id) on delete cascade,
    constraint job_need_ready_is_a_flag check (ready in (0, 1))
) strict, without rowid;

-- "who waits for a job".
create index job_need_by_needs on job_need (needs);

-- "who is to be looked at".
create index job_need_by_ready on job_need (ready)
where
    ready = 1;

pragma user_version = 4;
