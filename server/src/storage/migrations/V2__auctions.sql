-- Who bids and sells, with her wallet. `revision` rises with each movement: an optimistic writer compares it.
create table bidder (
    bidder_id integer not null,
    name text not null,
    -- SHA-256 of her secret; nothing for the house's own, whom nobody can be.
    secret blob,
    simulated integer not null,
    available integer not null,
    held integer not null,
    revision integer not null,
    created_at integer not null,
    constraint bidder_pk primary key (bidder_id),
    constraint bidder_secret_is_unique unique (secret),
    constraint bidder_secret_is_whole check (length(secret) = 32),
    constraint bidder_simulated_is_a_flag check (simulated in (0, 1)),
    constraint bidder_available_is_covered check (available >= 0),
    constraint bidder_held_is_covered check (held >= 0)
) strict;

-- A lot as it is now. `version` rises with what anybody may see, `revision` with everything.
create table lot (
    lot_id integer not null,
    version integer not null,
    revision integer not null,
    -- The number of its newest event.
    seq integer not null,
    title text not null,
    description text not null,
    picture integer not null,
    seller_id integer not null,
    simulated integer not null,
    start integer not null,
    -- A list of {"from","step"}.
    increments text not null,
    reserve integer,
    buy_now integer,
    opens_at integer not null,
    ends_at integer not null,
    window_s integer not null,
    extensions_max integer not null,
    extensions integer not null,
    strategy text not null,
    price integer,
    leader_id integer,
    leader_max integer,
    bids integer not null,
    result text,
    closed_at integer,
    constraint lot_pk primary key (lot_id),
    constraint lot_seller_exists foreign key (seller_id) references bidder (bidder_id),
    constraint lot_leader_exists foreign key (leader_id) references bidder (bidder_id),
    constraint lot_simulated_is_a_flag check (simulated in (0, 1)),
    constraint lot_strategy_is_known check (strategy in ('pessimistic', 'optimistic', 'queue')),
    constraint lot_result_is_known check (result in ('sold', 'no_bids', 'reserve_unmet')),
    constraint lot_end_is_whole check ((result is null) = (closed_at is null)),
    constraint lot_lead_is_whole check ((leader_id is null) = (price is null)),
    constraint lot_leader_is_not_its_seller check (leader_id <> seller_id),
    constraint lot_maximum_covers_the_price check (leader_max >= price),
    constraint lot_closed_has_no_maximum check (result is null or leader_max is null)
) strict;

-- "lots that are not closed, by their end", "lots whose time is over", "when the next one ends".
create index lot_by_end on lot (ends_at, lot_id)
where
    result is null;

-- "closed lots, the latest first".
create index lot_by_close on lot (closed_at, lot_id)
where
    result is not null;

-- Every accepted bid, in the order of the lot's revisions.
create table bid (
    lot_id integer not null,
    revision integer not null,
    bidder_id integer not null,
    -- 'raise' is the leader's own maximum, which nobody else learns of.
    kind text not null,
    -- What was asked for, as {"amount","max","buy_now"}.
    spec text not null,
    amount integer not null,
    price integer not null,
    -- The number of its event: on the lot's topic; of a raise, on the bidder's wallet.
    seq integer not null,
    at integer not null,
    key text not null,
    constraint bid_pk primary key (lot_id, revision),
    constraint bid_lot_exists foreign key (lot_id) references lot (lot_id),
    constraint bid_bidder_exists foreign key (bidder_id) references bidder (bidder_id),
    constraint bid_kind_is_known check (kind in ('bid', 'raise', 'buy'))
) strict, without rowid;

-- "the bids of a lot that anybody may see, newest first".
create index bid_by_seq on bid (lot_id, seq)
where
    kind <> 'raise';

-- What is held for a lot: of its leader alone.
create table hold (
    lot_id integer not null,
    bidder_id integer not null,
    amount integer not null,
    constraint hold_pk primary key (lot_id),
    constraint hold_lot_exists foreign key (lot_id) references lot (lot_id),
    constraint hold_bidder_exists foreign key (bidder_id) references bidder (bidder_id),
    constraint hold_is_something check (amount > 0)
) strict;

-- "what is held of a bidder".
create index hold_by_bidder on hold (bidder_id);

-- The ledger. A movement is one or more lines whose sums are zero together; the house's own lines have no bidder.
create table entry (
    entry_id integer not null,
    -- The number of the movement's first line.
    transfer_id integer not null,
    bidder_id integer,
    kind text not null,
    lot_id integer,
    available integer not null,
    held integer not null,
    -- The number of its event on the wallet's topic.
    seq integer,
    at integer not null,
    constraint entry_pk primary key (entry_id),
    constraint entry_bidder_exists foreign key (bidder_id) references bidder (bidder_id),
    constraint entry_kind_is_known check (kind in ('grant', 'hold', 'release', 'charge', 'payout')),
    constraint entry_event_is_told check ((bidder_id is null) = (seq is null))
) strict;

-- "the lines of a bidder, newest first". Each entry ends with the rowid, that is entry_id.
create index entry_by_bidder on entry (bidder_id);

create trigger entry_is_never_changed
before update on entry
begin
    select raise (abort, 'a line of the ledger is never changed');
end;

create trigger entry_is_never_deleted
before delete on entry
begin
    select raise (abort, 'a line of the ledger is never deleted');
end;

-- The end of a lot: once, which the key says.
create table settlement (
    lot_id integer not null,
    winner_id integer,
    price integer,
    seq integer not null,
    at integer not null,
    constraint settlement_pk primary key (lot_id),
    constraint settlement_lot_exists foreign key (lot_id) references lot (lot_id),
    constraint settlement_sale_is_whole check ((winner_id is null) = (price is null))
) strict;

-- What a command was answered, under its idempotency key. Joins have no bidder yet, and stand under 0.
create table command (
    bidder_id integer not null,
    key text not null,
    digest blob not null,
    status integer not null,
    answer text not null,
    at integer not null,
    constraint command_pk primary key (bidder_id, key),
    constraint command_digest_is_whole check (length(digest) = 32)
) strict, without rowid;

-- "the oldest answers".
create index command_by_age on command (at);

pragma user_version = 2;
