-- Which kinds may begin depends on their rates and on who asks. Each kind that waits is looked up by itself, so that none is
-- behind the jobs of one that may not begin, however many there are.
drop index job_by_turn;
drop index job_by_wait;

-- "what is next of a kind".
create index job_by_turn on job (queue, kind, priority desc, run_at, job_id)
where
    state = 'available';

-- "which kinds wait in a queue", "what of a kind has waited longest".
create index job_by_wait on job (queue, kind, run_at, job_id)
where
    state = 'available';

pragma user_version = 9;
