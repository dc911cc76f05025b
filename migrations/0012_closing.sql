-- Closing a month: the price books behind bills, what a bill was made from, and
-- revisions that never change.

create table agora.price_book (
    book_sha256    text        primary key check (book_sha256 ~ '^[0-9a-f]{64}$'),
    book_name      text        not null,
    book_text      text        not null,
    first_seen_at  timestamptz not null
);

comment on table agora.price_book is
    'The text of every price book that a bill was made with. Written along with the bill, never changed.';
comment on column agora.price_book.book_sha256 is 'SHA-256 of the text, in hexadecimal digits.';
comment on column agora.price_book.book_name is 'Name that the book gives itself.';
comment on column agora.price_book.book_text is 'The file as it was read.';
comment on column agora.price_book.first_seen_at is 'When a bill was first made with it.';

create table agora.price_book_use (
    account_id   text        not null references agora.account,
    month        date        not null check (extract(day from month) = 1),
    used_from    timestamptz not null,
    book_sha256  text        not null references agora.price_book,
    primary key (account_id, month, used_from)
);

comment on table agora.price_book_use is
    'Which price book a month was rated with, and from when on: a row each time that another one was used. Written along with the bill.';
comment on column agora.price_book_use.account_id is 'Account that was rated.';
comment on column agora.price_book_use.month is 'First UTC day of the month that was rated.';
comment on column agora.price_book_use.used_from is 'When the month was first rated with it after another one.';
comment on column agora.price_book_use.book_sha256 is 'The price book.';

alter table agora.bill
    add column closed_at            timestamptz,
    add column known_request_id     bigint,
    add column known_adjustment_id  bigint,
    add column adjustment_total     numeric(38, 6) not null default 0,
    add column amount_due           numeric(38, 6) generated always as (total + adjustment_total) stored,
    add column closing              jsonb,
    add constraint bill_closed_check check ((revision = 0) = (closed_at is null));

comment on table agora.bill is
    'One row a rated month of an account. Revision 0 is the draft, replaced in place by each report; 1 and above are closed and never change.';
comment on column agora.bill.revision is '0: draft; from 1: closed revisions, in order.';
comment on column agora.bill.total is
    'The rated total, rounded half up to the minor unit of the currency; without adjustments.';
comment on column agora.bill.unallocated is 'Part of the rated total that belongs to no project.';
comment on column agora.bill.closed_at is 'When the revision was closed; null: draft.';
comment on column agora.bill.known_request_id is
    'Newest request whose values the bill was made from, the lower ones included; null: made before these were recorded.';
comment on column agora.bill.known_adjustment_id is
    'Newest adjustment that was known, the lower ones included; null: made before these were recorded.';
comment on column agora.bill.adjustment_total is
    'Sum of the adjustments, in the currency; negative for a credit.';
comment on column agora.bill.amount_due is 'The rated total with its adjustments, in the currency.';
comment on column agora.bill.closing is
    'Of a closed revision what its report says beside the amounts: projects by name, coverage, what it was closed in spite of.';

create function agora.refuse_change() returns trigger
language plpgsql as $$
begin
    raise exception '% of agora.% refused: what is closed or recorded never changes',
        lower(tg_op), tg_table_name
        using
            errcode = 'restrict_violation',
            hint = 'Record the new facts and run `agora-usage bill close --revise`.';
end
$$;

comment on function agora.refuse_change() is
    'Refuses to change rows of closed bills and of tables that only grow.';

create function agora.refuse_truncation() returns trigger
language plpgsql as $$
begin
    if exists (select from agora.bill where revision > 0) then
        raise exception 'truncate of agora.% refused: it holds closed bills', tg_table_name
            using errcode = 'restrict_violation';
    end if;
    return null;
end
$$;

comment on function agora.refuse_truncation() is
    'Refuses to empty tables of bills while there are closed ones.';

create trigger closed_bill_stays
    before update or delete on agora.bill
    for each row when (old.revision > 0) execute function agora.refuse_change();
create trigger closed_bill_stays
    before update or delete on agora.bill_line
    for each row when (old.revision > 0) execute function agora.refuse_change();
create trigger closed_bill_stays
    before update or delete on agora.bill_allocation
    for each row when (old.revision > 0) execute function agora.refuse_change();
create trigger price_book_stays
    before update or delete on agora.price_book
    for each row execute function agora.refuse_change();

create trigger closed_bills_stay
    before truncate on agora.bill
    for each statement execute function agora.refuse_truncation();
create trigger closed_bills_stay
    before truncate on agora.bill_line
    for each statement execute function agora.refuse_truncation();
create trigger closed_bills_stay
    before truncate on agora.bill_allocation
    for each statement execute function agora.refuse_truncation();
create trigger closed_bills_stay
    before truncate on agora.price_book
    for each statement execute function agora.refuse_truncation();
