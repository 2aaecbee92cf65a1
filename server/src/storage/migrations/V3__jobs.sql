-- A queue: made by its first job.
create table queue (
    name text not null,
    paused integer not null,
    constraint queue_pk primary key (name),
    constraint queue_paused_is_a_flag check (paused in (0, 1))
) strict, without rowid;

-- Jobs by queue and state: what the triggers below keep, so that nobody has to count.
create table queue_count (
    queue text not null,
    state text not null,
    jobs integer not null,
    constraint queue_count_pk primary key (queue, state),
    constraint queue_count_queue_exists foreign key (queue) references queue (name),
    constraint queue_count_is_a_count check (jobs >= 0)
) strict, without rowid;

-- A job as it is now. Its number is never used again.
create table job (
    job_id integer primary key autoincrement,
    kind text not null,
    queue text not null,
    -- Higher is earlier.
    priority integer not null,
    state text not null,
    -- JSON, as it was submitted.
    input text not null,
    unique_key text,
    created_at integer not null,
    run_at integer not null,
    started_at integer,
    finished_at integer,
    -- The number of the newest attempt: only this one is heard.
    attempt integer not null,
    -- Attempts that count towards the most.
    used integer not null,
    max_attempts integer not null,
    timeout_s integer not null,
    cancelling integer not null,
    retry_of integer,
    -- JSON: how far the newest attempt was when the state changed last.
    progress text,
    error text,
    -- What it has left behind: a file of the attempt that completed.
    result_name text,
    result_type text,
    result_bytes integer,
    -- The number of its newest event.
    seq integer not null,
    constraint job_queue_exists foreign key (queue) references queue (name),
    constraint job_priority_is_a_priority check (priority between 0 and 9),
    constraint job_state_is_known check (
        state in ('scheduled', 'available', 'running', 'retryable', 'completed', 'cancelled', 'discarded')
    ),
    constraint job_attempts_are_attempts check (used between 0 and min(attempt, max_attempts)),
    constraint job_cancelling_is_a_flag check (cancelling in (0, 1)),
    constraint job_that_runs_has_an_attempt check (state <> 'running' or attempt > 0),
    constraint job_end_is_whole check (
        (finished_at is not null) = (state in ('completed', 'cancelled', 'discarded'))
    ),
    constraint job_result_is_whole check (
        (result_name is null) = (result_type is null)
        and (result_name is null) = (result_bytes is null)
    ),
    constraint job_result_is_of_a_completed check (result_name is null or state = 'completed')
) strict;

-- "what is next in a queue".
create index job_by_turn on job (queue, priority desc, run_at, job_id)
where
    state = 'available';

-- "what has waited longest in a queue".
create index job_by_wait on job (queue, run_at, job_id)
where
    state = 'available';

-- "whose time has come", "when the next one's does".
create index job_by_time on job (run_at)
where
    state in ('scheduled', 'retryable');

-- "the jobs in a state, newest first". Each entry ends with the rowid, that is job_id.
create index job_by_state on job (state);

-- "the results on the disk, oldest first", "how many bytes they are".
create index job_by_result on job (finished_at, result_bytes)
where
    result_name is not null;

-- "what ended longest ago".
create index job_by_end on job (finished_at)
where
    finished_at is not null;

-- One of a kind at a time.
create unique index job_is_unique on job (kind, unique_key)
where
    unique_key is not null
    and finished_at is null;

create trigger job_is_counted
after insert on job
begin
    insert into queue_count (queue, state, jobs)
    values (new.queue, new.state, 1)
    on conflict (queue, state) do update
    set
        jobs = jobs + 1;
end;

create trigger job_is_counted_anew
after update of state on job
when old.state <> new.state
begin
    update queue_count
    set
        jobs = jobs - 1
    where
        queue = old.queue
        and state = old.state;
    insert into queue_count (queue, state, jobs)
    values (new.queue, new.state, 1)
    on conflict (queue, state) do update
    set
        jobs = jobs + 1;
end;

create trigger job_is_counted_no_more
after delete on job
begin
    update queue_count
    set
        jobs = jobs - 1
    where
        queue = old.queue
        and state = old.state;
end;

create trigger job_that_is_over_stays_so
before update of state on job
when
    old.finished_at is not null
    and old.state <> new.state
begin
    select raise (abort, 'an end is final');
end;

-- One row: the number of the newest event of the topic of all jobs.
create table job_feed (
    job_feed_id integer not null,
    seq integer not null,
    constraint job_feed_pk primary key (job_feed_id),
    constraint job_feed_is_single check (job_feed_id = 1)
) strict;

insert into job_feed (job_feed_id, seq) values (1, 0);

-- An attempt.
create table attempt (
    job_id integer not null,
    -- From 1, without holes.
    number integer not null,
    started_at integer not null,
    ended_at integer,
    outcome text,
    error text,
    constraint attempt_pk primary key (job_id, number),
    constraint attempt_job_exists foreign key (job_id) references job (job_id) on delete cascade,
    constraint attempt_outcome_is_known check (
        outcome in ('completed', 'failed', 'refused', 'timed_out', 'cancelled', 'released', 'lost')
    ),
    constraint attempt_end_is_whole check ((ended_at is null) = (outcome is null))
) strict, without rowid;

-- What a submission was answered, under its idempotency key.
create table job_command (
    key text not null,
    digest blob not null,
    status integer not null,
    answer text not null,
    at integer not null,
    constraint job_command_pk primary key (key),
    constraint job_command_digest_is_whole check (length(digest) = 32)
) strict, without rowid;

-- "the oldest answers".
create index job_command_by_age on job_command (at);

pragma user_version = 3;
