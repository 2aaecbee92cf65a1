-- One row: how many lots are not closed. The triggers below keep it, so that nobody has to count: with many lots, counting
-- them for each new one is most of the work.
create table lot_count (
    lot_count_id integer not null,
    unclosed integer not null,
    constraint lot_count_pk primary key (lot_count_id),
    constraint lot_count_is_single check (lot_count_id = 1),
    constraint lot_count_is_a_count check (unclosed >= 0)
) strict;

insert into lot_count (lot_count_id, unclosed)
select 1, count(*)
from lot
where result is null;

create trigger lot_is_counted
after insert on lot
when new.result is null
begin
    update lot_count
    set
        unclosed = unclosed + 1;
end;

create trigger lot_is_counted_anew
after update of result on lot
when (old.result is null) <> (new.result is null)
begin
    update lot_count
    set
        unclosed = unclosed + iif(new.result is null, 1, -1);
end;

create trigger lot_is_counted_no_more
after delete on lot
when old.result is null
begin
    update lot_count
    set
        unclosed = unclosed - 1;
end;

pragma user_version = 10;
