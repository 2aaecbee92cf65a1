-- What became of each recipient of a mailing. A row without a fate is a letter that was handed over and of which nothing
-- was heard yet: whoever finds one of an attempt before cannot know, and does not send it again.
create table mail (
    job_id integer not null,
    -- Its place in the list, from 0.
    place integer not null,
    address text not null,
    fate text,
    why text,
    constraint mail_pk primary key (job_id, place),
    constraint mail_job_exists foreign key (job_id) references job (job_id) on delete cascade,
    constraint mail_fate_is_known check (
        fate in ('sent', 'refused', 'unsure', 'suppressed', 'malformed', 'duplicate')
    )
) strict, without rowid;

-- "has this mailing met the address before".
create index mail_by_address on mail (job_id, address);

-- Addresses that get no mail, whoever asks for it.
create table mail_suppressed (
    address text primary key,
    why text not null,
    at integer not null
) strict, without rowid;

pragma user_version = 7;
