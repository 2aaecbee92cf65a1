-- Which worker in another process makes the attempt; none: the server itself. How long it is still heard is not written:
-- a server that starts gives each a whole lease.
alter table attempt add column worker text;

pragma user_version = 6;
